"""``cpanfile.snapshot`` of Carton: the distributions of CPAN that a Perl project was tested with.

    # carton snapshot format: version 1.0
    DISTRIBUTIONS
      Plack-1.0047
        pathname: M/MI/MIYAGAWA/Plack-1.0047.tar.gz
        provides:
          Plack 1.0047
        requirements:
          HTTP::Headers 0

What is required are modules; the distribution that provides one is needed.

Source: Carton's documentation and its Snapshot::Emitter; the purl type ``cpan``.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, text_of
from seawall.core.package import Package

DISTRIBUTION: Final = re.compile(r"(.+?)-(v?[0-9][0-9A-Za-z._+]*(?:-TRIAL[0-9]*)?)")
"""The name and the version in the name of an archive. Source: CPAN::DistnameInfo's conventions."""


class _Distribution(Struct):
    name: str
    version: str
    provides: list[str] = []
    requires: list[str] = []


def parse(file: File) -> Facts:
    try:
        text = text_of(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    if text.strip() and not text.startswith("# carton snapshot format"):
        yield Problem(file.path, "not a snapshot of Carton")
        return
    distributions = list(_distributions(text))
    providers = {module: f"{one.name}@{one.version}" for one in distributions for module in one.provides}
    yield from distinct(
        file.path,
        (
            Package(
                type="cpan",
                name=one.name,
                version=one.version,
                requires=tuple(
                    dict.fromkeys(ref for module in one.requires if (ref := providers.get(module)) and ref != f"{one.name}@{one.version}")
                ),
            )
            for one in distributions
        ),
    )


def _distributions(text: str) -> Iterator[_Distribution]:
    one: _Distribution | None = None
    modules: list[str] | None = None
    for line in text.splitlines():
        content = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if indent == 2 and (match := DISTRIBUTION.fullmatch(content)):
            if one:
                yield one
            one, modules = _Distribution(match[1], match[2]), None
        elif indent == 4 and one:
            modules = {"provides:": one.provides, "requirements:": one.requires}.get(content)
        elif indent == 6 and modules is not None:
            modules.append(content.partition(" ")[0])
    if one:
        yield one


CATALOGUER: Final = Cataloguer("perl-cpanfile-snapshot", parse, ("cpanfile.snapshot",), installed=False)
