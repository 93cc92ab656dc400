"""Perl distributions that cpanm or Carton installed: ``.meta/<distribution>-<version>/install.json`` in a library directory.

Source: App::cpanminus' ``save_meta``; the purl type ``cpan``.
"""

from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.perl_cpanfile_snapshot import DISTRIBUTION
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, table
from seawall.core.package import Package


def parse(file: File) -> Facts:
    try:
        record = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    match = DISTRIBUTION.fullmatch(string(record.get("dist")))
    if match is None:
        yield Problem(file.path, "no distribution in the record of cpanm")
        return
    yield from distinct(file.path, [Package(type="cpan", name=match[1], version=match[2])])


CATALOGUER: Final = Cataloguer("perl-install-json", parse, ("**/.meta/*/install.json",))
