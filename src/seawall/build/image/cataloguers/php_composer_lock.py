"""``composer.lock``: ``packages``, and ``packages-dev`` that only development needs.

Source: Composer's documentation, "Commit your composer.lock file to version control", and its Locker.
"""

from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.php_composer import VENDORED, packages
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, read_json, table, tables


def parse(file: File) -> Facts:
    if VENDORED.search(file.path):
        return
    try:
        lock = table(read_json(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    entries = [(entry, key == "packages-dev") for key in ("packages", "packages-dev") for entry in tables(lock.get(key))]
    yield from distinct(file.path, packages(entries))


CATALOGUER: Final = Cataloguer("php-composer-lock", parse, ("composer.lock",), installed=False)
