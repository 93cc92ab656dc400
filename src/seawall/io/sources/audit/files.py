"""Which files a target names, and in what order they were written.

Rotation keeps a log's past in files beside it: ``audit-2026-01-31T12-00-00.000.log.gz`` (the API server), ``audit.log.2.gz`` (logrotate; the higher
number is the older). Times and ages come first, the file that is still written last.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from seawall.core.errors import InputError
from seawall.io.sources.audit.limits import MAX_LOGS
from seawall.io.sources.limits import MAX_DIRECTORY_DEPTH

_COMPRESSED: Final = re.compile(r"\.(gz|gzip|zst|zstd|bz2|xz)$")
_BACKUP: Final = re.compile(r"^(.*?)-(\d{4}-\d\d-\d\d[T_-]?[\d.:-]*)(\.[^.]*)?$")
_NUMBERED: Final = re.compile(r"^(.*)\.(\d{1,9})$")
_NO_LOGS: Final = (".yaml", ".yml", ".md", ".toml", ".py", ".sh", ".db", ".parquet")


def find_logs(targets: Sequence[str]) -> Iterator[str | InputError]:
    """The files of some targets: files, ``-`` for standard input, and directories with all logs in them, the oldest first."""
    for target in targets:
        if target != "-" and os.path.isdir(target):
            yield from _below(target)
        else:
            yield target


def _below(directory: str) -> Iterator[str | InputError]:
    found: list[str] = []
    errors: list[InputError] = []

    def failed(error: OSError) -> None:
        errors.append(InputError(str(error.filename or directory), error.strerror or "cannot be read"))

    depth = directory.rstrip(os.sep).count(os.sep)
    for place, directories, names in os.walk(directory, onerror=failed):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        if place.count(os.sep) - depth >= MAX_DIRECTORY_DEPTH:
            directories.clear()
        found.extend(os.path.join(place, name) for name in names if not name.startswith(".") and not name.endswith(_NO_LOGS))
        if len(found) > MAX_LOGS:
            yield InputError(directory, f"holds over {MAX_LOGS:,} files, more than are read")
            return
    yield from errors
    if not found:
        yield InputError(directory, "holds no logs")
    yield from sorted(found, key=age)


def age(path: str) -> tuple[Any, ...]:
    """Sorts the files of one log by age, the oldest first."""
    place, name = os.path.split(path)
    name = _COMPRESSED.sub("", name)
    number = _NUMBERED.match(name)
    if number:
        return place, number[1], 1, "", -int(number[2])
    backup = _BACKUP.match(name)
    if backup:
        return place, backup[1] + (backup[3] or ""), 0, backup[2], 0
    return place, name, 2, "", 0
