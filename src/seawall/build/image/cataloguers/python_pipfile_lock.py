"""``Pipfile.lock`` of Pipenv: JSON with a table for each category, of which ``develop`` is not for run time. It has no edges.

Source: the Pipfile specification (pipfile-spec 6).
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.python_names import INSTALLED_ELSEWHERE, pypi
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table
from seawall.build.image.origin import from_git
from seawall.core.package import Package


def parse(file: File) -> Facts:
    if INSTALLED_ELSEWHERE.search(file.path):
        return
    try:
        lock = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(lock))


def _packages(lock: dict[str, Any]) -> Iterator[Package]:
    for category, packages in lock.items():
        if category == "_meta":
            continue
        for name, entry in table(packages).items():
            version = string(table(entry).get("version"))
            git = from_git(string(table(entry).get("git")), string(table(entry).get("ref")))
            if version.startswith("==") or git:
                yield pypi(name, version.lstrip("=").strip(), qualifiers=git, development=category == "develop")


CATALOGUER: Final = Cataloguer("python-pipfile-lock", parse, ("Pipfile.lock",), installed=False)
