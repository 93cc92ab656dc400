"""Credentials for registries, from the files and helper programs of Docker, Podman, Buildah and Skopeo.

Read are, in this order, the first with something for the registry wins: the file of ``REGISTRY_AUTH_FILE`` (then only this one),
``$DOCKER_CONFIG/config.json``, ``$XDG_RUNTIME_DIR/containers/auth.json``, ``~/.config/containers/auth.json`` and ``~/.docker/config.json``. In a
file, a helper that ``credHelpers`` names for the registry comes first, then the longest key of ``auths`` that covers the repository
(``host/team/app``, ``host/team``, ``host``), then the helper of ``credsStore``.

A key with a scheme is one of the old kind: only its host counts, and ``https://index.docker.io/v1/`` is Docker Hub.

A helper that does not work is no error by itself, as most images need no login; what is wrong with it is kept as a note for the case that the
registry refuses us.

Sources: docker-login(1) and the credential helper protocol of github.com/docker/docker-credential-helpers; containers-auth.json(5).
"""

import base64
import binascii
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.image_reference import DOCKER_HUB
from seawall.io.sources.http import printable

MAX_FILE_BYTES: Final = 2**20
MAX_HELPER_BYTES: Final = 2**16
HELPER_SECONDS: Final = 30
_HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB_NAMES: Final = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_IS_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch
_TOKEN_USER: Final = "<token>"  # noqa: S105 (what helpers say instead of a name when the secret is an identity token)


class Credentials(Struct, frozen=True):
    """A name with a password, or an identity token (an OAuth 2 refresh token), or a registry token (a bearer token). ``source`` says where from."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    source: str = ""

    def __repr__(self) -> str:
        return f"Credentials(source={self.source!r})"  # and not what is secret

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token or self.registry_token)


class Found(Struct, frozen=True):
    """``credentials`` is ``None`` where nothing was found; ``notes`` tell what did not work on the way."""

    credentials: Credentials | None = None
    notes: tuple[str, ...] = ()


class _Entry(Struct):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None
    registrytoken: str | None = None


class _File(Struct):
    auths: dict[str, _Entry | None] | None = None
    helpers: dict[str, str] | None = msgspec.field(name="credHelpers", default=None)
    store: str | None = msgspec.field(name="credsStore", default=None)


class _Answer(Struct):
    username: str = msgspec.field(name="Username", default="")
    secret: str = msgspec.field(name="Secret", default="")


def find_credentials(registry: str, repository: str, *, auth_file: str = "", environment: Mapping[str, str] = os.environ) -> Found:
    """The credentials for a repository. ``auth_file`` is read instead of all others. Raises ``InputError`` for a file that is malformed."""
    notes: list[str] = []
    for path in _paths(auth_file, environment):
        file = _read(path)
        if file is not None and (credentials := _in_file(path, file, registry, repository, environment, notes)):
            return Found(credentials, tuple(notes))
    return Found(None, tuple(notes))


def _paths(auth_file: str, environment: Mapping[str, str]) -> Iterator[str]:
    if chosen := auth_file or environment.get("REGISTRY_AUTH_FILE", ""):
        yield chosen
        return
    if directory := environment.get("DOCKER_CONFIG", ""):
        yield os.path.join(directory, "config.json")
    if directory := environment.get("XDG_RUNTIME_DIR", ""):
        yield os.path.join(directory, "containers", "auth.json")
    home = environment.get("HOME", "")
    if directory := environment.get("XDG_CONFIG_HOME", "") or (home and os.path.join(home, ".config")):
        yield os.path.join(directory, "containers", "auth.json")
    if home:
        yield os.path.join(home, ".docker", "config.json")


def _read(path: str) -> _File | None:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(path, f"credentials cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_FILE_BYTES:
        raise InputError(path, f"over the limit of {MAX_FILE_BYTES // 2**10} KiB for a file of credentials")
    try:
        return msgspec.json.decode(data, type=_File) if data.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = error if isinstance(error, msgspec.ValidationError) else "malformed JSON"  # a place in the structure, never a value
        raise InputError(path, f"is no file of credentials: {why}") from None


def _in_file(path: str, file: _File, registry: str, repository: str, environment: Mapping[str, str], notes: list[str]) -> Credentials | None:
    registry = _name(registry)
    for key, helper in (file.helpers or {}).items():
        if _normal(key) == registry:
            return _ask(helper, registry, path, environment, notes)
    by_key: dict[str, tuple[str, _Entry]] = {}
    for key, entry in (file.auths or {}).items():
        if entry is not None and (_normal(key) not in by_key or _normal(key) == key):
            by_key[_normal(key)] = (key, entry)
    for scope in _scopes(f"{registry}/{repository}"):
        if scope in by_key and (credentials := _of_entry(path, *by_key[scope])):
            return credentials
    return _ask(file.store, registry, path, environment, notes) if file.store else None


def _scopes(name: str) -> Iterator[str]:
    """``host/team/app``, ``host/team``, ``host``."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def _normal(key: str) -> str:
    """A key of ``auths`` as a scope: of the old kind, with a scheme, only the host counts."""
    for scheme in ("https://", "http://"):
        if key.startswith(scheme):
            return _name(key.removeprefix(scheme).split("/")[0])
    host, slash, rest = key.rstrip("/").partition("/")
    return _name(host) + slash + rest


def _name(registry: str) -> str:
    return DOCKER_HUB if registry in _HUB_NAMES else registry


def _of_entry(path: str, key: str, entry: _Entry) -> Credentials | None:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            text = base64.b64decode(entry.auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            text = ""
        username, colon, password = text.partition(":")
        if not colon:
            raise InputError(path, f"the auth of {printable(key)} is not base64 of user:password")
        password = password.strip("\0")  # older versions of Docker pad it
    if username == _TOKEN_USER:
        return Credentials(identity_token=password, source=path)
    return Credentials(username, password, entry.identitytoken or "", entry.registrytoken or "", path) or None


# Helpers


def _ask(helper: str, registry: str, path: str, environment: Mapping[str, str], notes: list[str]) -> Credentials | None:
    """What a helper program knows of a registry. A helper that does not work leaves a note."""
    if not _IS_HELPER(helper):
        raise InputError(path, f"{printable(helper, 40)!r} is no name of a credential helper")
    program = f"docker-credential-{helper}"
    found = shutil.which(program, path=environment.get("PATH"))
    if found is None:
        notes.append(f"{program}, which {path} names, is not on the PATH")
        return None
    for server in (_HUB_KEY, DOCKER_HUB) if registry == DOCKER_HUB else (registry, f"https://{registry}"):
        status, output = _run(found, server, environment)
        if isinstance(status, str):
            notes.append(f"{program} {status}")
            return None
        if status == 0:
            try:
                answer = msgspec.json.decode(output, type=_Answer)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                notes.append(f"{program} answered with something else than credentials")
                return None
            if answer.username == _TOKEN_USER:
                return Credentials(identity_token=answer.secret, source=program)
            return Credentials(answer.username, answer.secret, source=program) or None
        if b"not found" not in output:
            notes.append(f"{program} failed with status {status}: {printable(output.decode('utf-8', 'replace')) or 'no message'}")
            return None
    return None


def _run(program: str, server: str, environment: Mapping[str, str]) -> tuple[int | str, bytes]:
    """``docker-credential-X get``: the server on standard input, JSON or a message on standard output. A text in place of a status is a failure.

    What comes back is secret, so it goes through a pipe and never through a file.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 (a list of arguments, bounded below)
            [program, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environment), start_new_session=True
        )
    except OSError as error:
        return f"does not start: {(error.strerror or str(error)).lower()}", b""
    with process:
        status, output = _talk(process, server)
        if isinstance(status, str):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
        return status, output


def _talk(process: subprocess.Popen[bytes], server: str) -> tuple[int | str, bytes]:
    question, reply = process.stdin, process.stdout
    if question is None or reply is None:
        raise AssertionError  # both are pipes
    with suppress(BrokenPipeError):  # it may not care for the question
        question.write(f"{server}\n".encode())
        question.flush()
    with suppress(BrokenPipeError):
        question.close()
    end = time.monotonic() + HELPER_SECONDS
    output = b""
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([reply], [], [], left)
        data = os.read(reply.fileno(), 2**14) if ready else b""
        output += data
        if len(output) > MAX_HELPER_BYTES:
            return f"answered with more than {MAX_HELPER_BYTES // 2**10} KiB", b""
        if ready and not data:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(max(0.1, left)), output
    return f"did not answer within {HELPER_SECONDS} seconds", b""
