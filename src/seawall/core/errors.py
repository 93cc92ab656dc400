"""What can go wrong for a user, said in one line. Anything else that is raised is a defect of Seawall."""


class SeawallError(Exception):
    """A problem to be told to the user in one line; ``str(error)`` is that line."""


class UsageError(SeawallError):
    """The command line or the configuration asks for something that does not exist or does not fit."""


class InputError(SeawallError):
    """One input could not be read or understood.

    ``path`` is the input as the user named it, ``line`` counts from 1 and is ``None`` where no line can be told.
    """

    def __init__(self, path: str, message: str, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.path = path
        self.message = message
        self.line = line

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, int | None]]:
        # Errors travel between scan processes; the default would pickle the joined text alone.
        return (InputError, (self.path, self.message, self.line))
