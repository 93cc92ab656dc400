"""Installed Conda packages: ``conda-meta/<name>-<version>-<build>.json`` in an environment.

A Python package that Conda installed also has its own metadata in ``site-packages``, and stays a package of its own: advisories are written about
that one, and there are none about Conda's.

Source: conda's documentation, "Conda package specification" and PrefixRecord; the purl type ``conda``.
"""

import re
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, strings, table
from seawall.core.package import Package

_NEEDED: Final = re.compile(r"\s*(?:[^\s:]*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)")


def parse(file: File) -> Facts:
    try:
        record = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    name, version = string(record.get("name")), string(record.get("version"))
    if not name or not version:
        yield Problem(file.path, f"no {'version' if name else 'name'} in the record of a Conda package")
        return
    licence = string(record.get("license")).strip()
    needed = dict.fromkeys(match[1].lower() for text in strings(record.get("depends")) if (match := _NEEDED.match(text)))
    needed.pop(name, None)
    yield from distinct(
        file.path,
        [
            Package(
                type="conda",
                name=name,
                version=version,
                licenses=(licence,) if licence else (),
                qualifiers=_qualifiers(record),
                ref=name,  # as each package stands in a file of its own, and needs others by name
                requires=tuple(needed),
            )
        ],
    )


def _qualifiers(record: dict[str, Any]) -> dict[str, str]:
    subdir = string(record.get("subdir"))
    # An address, ``https://channel.example/conda-forge/linux-64``, or the name alone.
    channel = string(record.get("channel")).rstrip("/").removesuffix(f"/{subdir}" if subdir else "").rpartition("/")[2]
    told = {"build": string(record.get("build")) or string(record.get("build_string")), "channel": channel, "subdir": subdir}
    return {key: value for key, value in told.items() if value and value != "<unknown>"}


CATALOGUER: Final = Cataloguer("conda-meta", parse, ("**/conda-meta/*.json",))
