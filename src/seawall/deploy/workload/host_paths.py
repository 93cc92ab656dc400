"""What a pod's hostPath volumes open of its node, as its containers see it, and patterns to compare that with.

Paths are compared in a normal form: absolute, without ``..``, doubled or trailing slashes, with ``/run`` for ``/var/run`` (a link to it on every
distribution), and on Windows without drive letter, with forward slashes, in lower case.
"""

import posixpath
import re
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from seawall.core.pod import Container, Pod
from seawall.core.resource import Field

_WINDOWS = re.compile(r"[A-Za-z]:|\\").match


class HostMount(Struct, frozen=True):
    """A place where a container mounts a host path. ``path`` is what it sees of the node: the volume's, and the mount's ``subPath`` below."""

    container: Container
    field: Field
    path: str

    @property
    def writable(self) -> bool:
        return self.field["readOnly"].value is not True


class HostVolume(Struct, frozen=True):
    """A hostPath volume: the item of the list of volumes, and in ``path_field`` its ``hostPath.path``."""

    field: Field
    path_field: Field
    mounts: tuple[HostMount, ...]

    @property
    def path(self) -> str:
        """The path as it is written."""
        return self.path_field.text

    @property
    def views(self) -> list[tuple[str, bool]]:
        """What the volume opens, and whether it can be written: to each container that mounts it, or, where none does yet, to one that will."""
        return [(mount.path, mount.writable) for mount in self.mounts] or [(normal(self.path), False)]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.views]

    @property
    def mount_fields(self) -> tuple[Field, ...]:
        return tuple(mount.field for mount in self.mounts)


def host_volumes(pod: Pod) -> list[HostVolume]:
    """The volumes of a pod that name a path of the node, each with its mounts in all containers."""
    found = []
    for volume in pod.spec["volumes"].items():
        path, name = volume["hostPath"]["path"], volume["name"].text
        if path.text:
            mounts = (
                HostMount(container, mount, _below(path.text, mount))
                for container in pod.containers
                for mount in container["volumeMounts"].items()
                if mount["name"].text == name
            )
            found.append(HostVolume(volume, path, tuple(mounts)))
    return found


def normal(path: str) -> str:
    """The normal form of a path of the node."""
    if _WINDOWS(path):
        path = re.sub(r"\A[a-z]:", "", path.replace("\\", "/").lower())
    path = posixpath.normpath("/" + path.lstrip("/"))
    return path.removeprefix("/var") if path == "/var/run" or path.startswith("/var/run/") else path


def reaches(path: str, pattern: str) -> bool:
    """Whether a container that sees ``path`` sees what ``pattern`` names: it is that, or above it; with ``/**`` at the end, or below it.

    ``*`` stands for any part of a name. ``path`` is in normal form, ``pattern`` need not be.
    """
    wanted, tree = _pattern(pattern)
    have = _parts(path)
    return (tree or len(have) <= len(wanted)) and _agree(have, wanted)


def is_within(path: str, pattern: str) -> bool:
    """Whether all that is seen at ``path`` is what ``pattern`` names: it is that, or, with ``/**`` at the end, below it."""
    wanted, tree = _pattern(pattern)
    have = _parts(path)
    return (len(have) == len(wanted) or (tree and len(have) > len(wanted))) and _agree(have, wanted)


def _below(path: str, mount: Field) -> str:
    """The volume's path and the mount's ``subPath``. A ``subPathExpr`` can become anything from its first variable on: it counts up to there."""
    below = mount["subPath"].text
    if not below:
        below, variable, _ = mount["subPathExpr"].text.partition("$(")
        if variable:
            below = below.rpartition("/")[0]
    return normal(f"{normal(path)}/{below}")


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> tuple[tuple[str, ...], bool]:
    directory = pattern.removesuffix("/**")
    return _parts(normal(directory)), directory != pattern


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _agree(have: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(fnmatchcase(part, pattern) for part, pattern in zip(have, wanted, strict=False))
