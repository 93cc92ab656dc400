"""A text file, changed in place: what is not edited stays byte for byte, and nobody ever sees half of it."""

import os
import tempfile

from seawall.core.errors import InputError
from seawall.io.sources.manifests import BOMS, decode, read_bytes


class TextFile:
    """The text of a file without its byte order mark, and how to write it back as it was. Raises ``InputError`` when it cannot be read."""

    def __init__(self, path: str) -> None:
        self.path = path
        data = read_bytes(path)
        self._bom, self._encoding = next(((bom, name) for bom, name in BOMS if data.startswith(bom)), (b"", "utf-8"))
        self.text = decode(path, data)

    def write(self, text: str) -> None:
        """Replace the file's contents in one step, with the same encoding, owner and mode; a symbolic link keeps pointing where it did."""
        target = os.path.realpath(self.path)
        try:
            about = os.stat(target)
            handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".seawall-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._bom + text.encode(self._encoding))
                os.chmod(temporary, about.st_mode & 0o7777)
                os.replace(temporary, target)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise InputError(self.path, f"cannot be written: {(error.strerror or str(error)).lower()}") from None
