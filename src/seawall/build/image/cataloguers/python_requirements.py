"""``requirements.txt``: only what it pins to one version is known to be meant.

Source: pip's description of the requirements file format, and the dependency specifiers specification.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.python_names import INSTALLED_ELSEWHERE, REQUIREMENT, pypi
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import MAX_LINES_BYTES, Unreadable, text_of
from seawall.core.package import Package

_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_OPTIONS: Final = re.compile(r"\s--?[A-Za-z].*", re.DOTALL)  # --hash=sha256:..., --config-settings ...
_PIN: Final = re.compile(r"===?\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*")
_CLAUSE: Final = re.compile(r"\s*(?:===?|!=|~=|<=?|>=?)")


def parse(file: File) -> Facts:
    if INSTALLED_ELSEWHERE.search(file.path):
        return
    try:
        text = text_of(file.data, MAX_LINES_BYTES)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _pinned(text))


def _pinned(text: str) -> Iterator[Package]:
    for line in _logical_lines(text):
        # Options (-r, -e, --index-url) and environment variables are for pip alone.
        match = REQUIREMENT.fullmatch(_OPTIONS.sub("", line))
        if match is None or line.startswith("-"):
            continue
        rest = match["rest"].partition(";")[0].strip()
        if rest.startswith("(") and rest.endswith(")"):
            rest = rest[1:-1]
        pins = {pin[1] for clause in rest.split(",") if (pin := _PIN.fullmatch(clause.strip()))}
        if len(pins) == 1 and all(_CLAUSE.match(clause) for clause in rest.split(",")):
            yield pypi(match["name"], pins.pop())


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with those joined that end in a backslash, without comments and empty ones. A comment ends a line that was continued, as in pip."""
    pending: list[str] = []
    for line in re.split(r"\r\n?|\n", text):
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            pending.append(line[:-1])
            continue
        pending.append(f" {line}" if comment else line)
        whole = _COMMENT.sub("", "".join(pending)).strip()
        pending = []
        if whole:
            yield whole
    if whole := _COMMENT.sub("", "".join(pending)).strip():
        yield whole


CATALOGUER: Final = Cataloguer("python-requirements", parse, ("*requirements*.txt", "**/requirements/*.txt"), installed=False)
