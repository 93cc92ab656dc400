"""Installed R packages: ``DESCRIPTION`` in a directory of a library (``library/dplyr``, ``site-library/dplyr``), in Debian's control file format.

Also in the libraries and the cache of renv, at whatever depth; there only what R has ``Built``, as packages bring templates and tests along.
A package of Bioconductor is told by the repository it was built from; its purl has a type of its own.

Source: "Writing R Extensions", sections 1.1.1 and 1.1.2; the purl types ``cran`` and ``bioconductor``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.core.package import Package

MAX_BYTES: Final = 2**20
_FIELD: Final = re.compile(r"^([A-Za-z][\w/.@-]*)[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_LIBRARY: Final = re.compile(r"library/[^/]+/DESCRIPTION$")
_NEEDED: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9.]*)")
_CONTAINS_FILE: Final = re.compile(r"\s*\+\s*file\s+LICEN[CS]E\s*$")

# The names of the licence files that R itself brings (share/licenses/license.db), and the SPDX names of the same licences.
LICENSES: Final = {
    "GPL": "GPL-1.0-or-later",
    "GPL-2": "GPL-2.0-only",
    "GPL-3": "GPL-3.0-only",
    "GPL (>= 2)": "GPL-2.0-or-later",
    "GPL (>= 2.0)": "GPL-2.0-or-later",
    "GPL (>= 3)": "GPL-3.0-or-later",
    "GPL (>= 3.0)": "GPL-3.0-or-later",
    "LGPL-2": "LGPL-2.0-only",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-3": "LGPL-3.0-only",
    "LGPL (>= 2)": "LGPL-2.0-or-later",
    "LGPL (>= 2.1)": "LGPL-2.1-or-later",
    "LGPL (>= 3)": "LGPL-3.0-or-later",
    "AGPL-3": "AGPL-3.0-only",
    "Artistic-2.0": "Artistic-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License (>= 2)": "Apache-2.0",
    "Apache License (== 2.0)": "Apache-2.0",
    "Apache License (>= 2.0)": "Apache-2.0",
    "BSD_2_clause": "BSD-2-Clause",
    "BSD_3_clause": "BSD-3-Clause",
    "CC0": "CC0-1.0",
    "MIT": "MIT",
    "MPL-2.0": "MPL-2.0",
}


def parse(file: File) -> Facts:
    text = file.data[:MAX_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name, " ".join(value.split()))
    if "Built" not in fields and not _LIBRARY.search(file.path):
        return
    name, version = fields.get("Package", ""), fields.get("Version", "")
    if not name or not version:
        if name or fields.get("Type") == "Package":
            yield Problem(file.path, f"no {'Version' if name else 'Package'} in the description of an R package")
        return
    needed = dict.fromkeys(names(fields.get(key, "") for key in ("Depends", "Imports", "LinkingTo")))
    needed.pop(name, None)
    yield from distinct(
        file.path,
        [
            Package(
                type=repository_type(fields),
                name=name,
                version=version,
                licenses=_licences(fields.get("License", "")),
                ref=name,  # as each package stands in a file of its own, and needs others by name
                requires=tuple(needed),
            )
        ],
    )


def repository_type(fields: Mapping[str, str]) -> str:
    """The purl type, by where the package was taken from."""
    told = " ".join(fields.get(key, "") for key in ("Repository", "git_url", "RemoteRepos", "Source")).lower()
    return "bioconductor" if "bioconductor" in told or "biocsoft" in told else "cran"


def names(lists: Iterable[str]) -> list[str]:
    """The packages of lists like ``R (>= 3.5), methods, rlang (>= 1.0)``; R itself is none."""
    found = (match[1] for text in lists for part in text.split(",") if (match := _NEEDED.match(part)))
    return [name for name in found if name != "R"]


def _licences(text: str) -> tuple[str, ...]:
    """``GPL-2 | MIT + file LICENSE``: a choice, of which the file adds the names of the holders or a restriction."""
    if not text:
        return ()
    choices = [_CONTAINS_FILE.sub("", choice).strip() for choice in text.split("|")]
    known = [LICENSES.get(choice, "") for choice in choices]
    return (" OR ".join(known),) if all(known) else (text,)


CATALOGUER: Final = Cataloguer("r-description", parse, ("**/*library/*/DESCRIPTION", "**/renv/**/DESCRIPTION"))
