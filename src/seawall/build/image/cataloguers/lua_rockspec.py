"""Installed rocks of LuaRocks: ``lib/luarocks/rocks-5.4/<name>/<version>/<name>-<version>.rockspec``.

A rockspec is a Lua program, mostly of plain assignments, which are read and never run. The version has the rockspec's revision behind a dash
(``1.0.2-1``).

Source: LuaRocks' documentation, "Rockspec format"; the purl type ``luarocks``.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.core.package import Package

MAX_BYTES: Final = 2**20
_ASSIGNED: Final = re.compile(r"""^(package|version)[ \t]*=[ \t]*(?:"([^"\n\\]*)"|'([^'\n\\]*)')""", re.MULTILINE)
_LICENSE: Final = re.compile(r"""\blicense[ \t]*=[ \t]*(?:"([^"\n\\]*)"|'([^'\n\\]*)')""")
_DEPENDENCIES: Final = re.compile(r"^dependencies[ \t]*=[ \t]*\{([^{}]*)\}", re.MULTILINE)
_NEEDED: Final = re.compile(r"""["']\s*([A-Za-z0-9][\w.-]*)[^"'\n]*["']""")


def parse(file: File) -> Facts:
    text = file.data[:MAX_BYTES].decode("utf-8", "replace")
    told = {match[1]: match[2] or match[3] or "" for match in _ASSIGNED.finditer(text)}
    name, version = told.get("package", ""), told.get("version", "")
    if not name or not version:
        yield Problem(file.path, f"a rockspec that does not tell its {'version' if name else 'package'} in plain text")
        return
    licence = _LICENSE.search(text)
    declared = _DEPENDENCIES.search(text)
    needed = dict.fromkeys(other.lower() for other in _NEEDED.findall(declared[1] if declared else ""))
    yield from distinct(
        file.path,
        [
            Package(
                type="luarocks",
                name=name,
                version=version,
                licenses=(licence[1] or licence[2],) if licence and (licence[1] or licence[2]) else (),
                ref=name.lower(),  # as each rock stands in a file of its own, and needs others by name
                requires=tuple(other for other in needed if other not in ("lua", name.lower())),
            )
        ],
    )


CATALOGUER: Final = Cataloguer("lua-rockspec", parse, ("**/rocks-*/*/*/*.rockspec",))
