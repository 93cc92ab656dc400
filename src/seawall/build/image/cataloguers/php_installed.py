"""``vendor/composer/installed.json``: what Composer installed. Version 1 is a list of packages, version 2 a table with more around it.

Source: Composer's FilesystemRepository.
"""

from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.php_composer import packages
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, string, strings, table, tables


def parse(file: File) -> Facts:
    try:
        document = read_json(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    entries = tables(document) or tables(table(document).get("packages"))
    development = set(strings(table(document).get("dev-package-names")))
    yield from distinct(file.path, packages((entry, string(entry.get("name")) in development) for entry in entries))


CATALOGUER: Final = Cataloguer("php-installed", parse, ("**/composer/installed.json",))
