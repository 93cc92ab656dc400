"""The licences of Debian packages: ``/usr/share/doc/PACKAGE/copyright``.

Most are machine-readable, with a ``License:`` field for each group of files; its short names become SPDX ids where they mean exactly that. Others
are prose, and point to the texts in ``/usr/share/common-licenses``; which version of the GPL is granted cannot be told from that, so the
name is left as it is.

Source: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/, Debian policy 12.5.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Licensed

MAX_LICENCES: Final = 500
_MACHINE_READABLE: Final = re.compile(r"\s*Format(?:-Specification)?[ \t]*:", re.IGNORECASE)
_LICENSE: Final = re.compile(r"^License[ \t]*:[ \t]*([^\n]*)", re.MULTILINE | re.IGNORECASE)
_COMMON: Final = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9][A-Za-z0-9.+-]*)")
_GNU: Final = re.compile(r"(A?GPL|LGPL|GFDL)-(\d(?:\.\d)?)(?:\.0)?(\+?)", re.IGNORECASE)
_GFDL_NIV: Final = re.compile(r"GFDL-NIV-(1\.[123])(\+?)", re.IGNORECASE)
_ALL: Final = re.compile(r",\s*and\s+|\s*;\s*", re.IGNORECASE)
_AND: Final = re.compile(r"\s+and\s+|\s*,\s*", re.IGNORECASE)
_OR: Final = re.compile(r",?\s+(?:and/)?or\s+|\s*\|\s*", re.IGNORECASE)
_MAX_NAME: Final = 200
_MAX_SYNOPSIS: Final = 2000

# Short names, in lower case, that mean one licence of the SPDX list.
_SPDX: Final = {
    "expat": "MIT",
    "mit": "MIT",
    "apache-2": "Apache-2.0",
    "cc0": "CC0-1.0",
    "zlib": "Zlib",
    "isc": "ISC",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "wtfpl": "WTFPL",
    "psf-2": "PSF-2.0",
    **{
        name.lower(): name
        for name in (
            *("0BSD", "AFL-2.1", "Apache-1.0", "Apache-1.1", "Apache-2.0", "Artistic-2.0", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0"),
            *("CC-BY-SA-4.0", "CC0-1.0", "CDDL-1.0", "CPL-1.0", "curl", "EFL-2.0", "EPL-1.0", "EPL-2.0", "FTL", "ICU", "IJG", "LPPL-1.3c"),
            *("MIT-0", "MPL-1.0", "MPL-1.1", "MPL-2.0", "MS-PL", "NTP", "OFL-1.1", "OLDAP-2.8", "OpenSSL", "PSF-2.0", "QPL-1.0", "SSLeay"),
            *(
                "Unlicense",
                "W3C",
                "X11",
                "ZPL-2.0",
                "ZPL-2.1",
                "BSD-1-Clause",
                "BSD-4-Clause-UC",
                "FSFAP",
                "FSFUL",
                "FSFULLR",
                "HPND",
                "Libpng",
                "PostgreSQL",
            ),
            *("Ruby", "Vim", "Beerware", "TCL"),
        )
    },
}


def spdx(name: str) -> str:
    """The SPDX id of a short name, or empty where none means exactly that."""
    if known := _SPDX.get(name.lower()):
        return known
    if match := _GFDL_NIV.fullmatch(name):
        return f"GFDL-{match[1]}-no-invariants-{_grant(match[2])}"
    if match := _GNU.fullmatch(name):
        return f"{match[1].upper()}-{match[2] if '.' in match[2] else match[2] + '.0'}-{_grant(match[3])}"
    return ""


def _grant(plus: str) -> str:
    return "or-later" if plus else "only"


def licences(synopsis: str) -> list[str]:
    """What a ``License:`` field names: ``GPL-2+ or Artistic-2.0, and Expat`` is a choice and a second licence. ``and`` binds closer than ``or``,
    but for one after a comma."""
    if len(synopsis) > _MAX_SYNOPSIS:
        return []
    found: list[str] = []
    for group in _ALL.split(" ".join(synopsis.split())):
        choices = [[spdx(part.strip()) for part in _AND.split(choice)] for choice in _OR.split(group)]
        if len(choices) == 1:
            found += [spdx(name) or name for name in map(str.strip, _AND.split(group))]
        elif all(part for choice in choices for part in choice):
            found.append(" OR ".join(" AND ".join(choice) for choice in choices))
        else:
            found.append(group.strip())
    return [name for name in found if name and len(name) <= _MAX_NAME]


def parse(file: File) -> Facts:
    text = file.data.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
    if _MACHINE_READABLE.match(text):
        names = [name for synopsis in dict.fromkeys(_LICENSE.findall(text)) for name in licences(synopsis)]
    else:
        names = [name if name.upper().startswith(("GPL", "LGPL", "AGPL", "GFDL")) else spdx(name) or name for name in _common(text)]
    if names:
        yield Licensed("deb", file.path.split("/")[-2], tuple(dict.fromkeys(names))[:MAX_LICENCES])


def _common(text: str) -> list[str]:
    return [name.rstrip(".-") for name in _COMMON.findall(text)]


DEBIAN_COPYRIGHT = Cataloguer(name="debian-copyright", parse=parse, paths=("usr/share/doc/*/copyright",))
