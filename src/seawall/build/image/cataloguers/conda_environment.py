"""``environment.yml`` of Conda: what of it is pinned, as in an exported environment.

    dependencies:
      - numpy=1.24.3=py310h5f9d8c6_1
      - pip:
        - requests==2.31.0

``name=1.24`` would also take ``1.24.3``; it is read as it stands, as an export without builds is written so. Ranges are no packages.

Source: conda's documentation, "Creating an environment file manually" and "Package match specifications"; the purl types ``conda`` and ``pypi``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, items, read_yaml, strings, table
from seawall.core.package import Package

_PINNED: Final = re.compile(r"(?:[^\s:]*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*==?\s*([0-9][^\s=<>!,|*]*)(?:=([^\s=<>!,|*]+))?")
_REQUIRED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;,*]+)\s*(?:;.*)?")


def parse(file: File) -> Facts:
    try:
        environment = table(read_yaml(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(items(environment.get("dependencies"))))


def _packages(dependencies: list[Any]) -> Iterator[Package]:
    for dependency in dependencies:
        if isinstance(dependency, str):
            if match := _PINNED.fullmatch(dependency):
                yield Package(type="conda", name=match[1], version=match[2], qualifiers={"build": match[3]} if match[3] else {})
        else:
            for requirement in strings(table(dependency).get("pip")):
                if match := _REQUIRED.fullmatch(requirement):
                    yield Package(type="pypi", name=match[1], version=match[2])


CATALOGUER: Final = Cataloguer("conda-environment", parse, ("environment.yml", "environment.yaml"), installed=False)
