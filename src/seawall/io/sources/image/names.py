"""Names of files in layers: bytes in, one normal path out, and a form that can be shown to users.

A path has no leading slash and none at its end, no empty part, no ``.`` and no ``..``; the root is the empty path. Bytes that are not UTF-8 are
surrogates (``surrogateescape``), so every name survives a round trip.
"""

from posixpath import normpath

_MAX_SHOWN = 120


def normal(name: str) -> str:
    """A name as the container runtime sees it: below the root whatever it says, as if extracted in a chroot."""
    if "//" in name or "./" in name or name.endswith(("/.", "/..")) or name in {".", ".."}:
        return normpath("/" + name).lstrip("/")
    return name.strip("/")


def leaves_root(name: str) -> bool:
    """Whether a name, taken literally, leads above the directory that it starts from."""
    if ".." not in name:
        return False
    first = normpath(name.lstrip("/")).partition("/")[0]
    return first == ".."


def shown(name: str) -> str:
    """A foreign text for a line of ours: control characters and broken bytes escaped, and cut."""
    text = name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}..."
    return text if text.isprintable() and not _has_surrogates(text) else ascii(text)[1:-1]


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
