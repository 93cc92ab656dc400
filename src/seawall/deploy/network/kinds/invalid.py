"""What makes a policy void."""

from seawall.core.errors import InputError
from seawall.core.resource import Field, Resource


class Invalid(Exception):
    """The policy says something that its API server would refuse, or its controller could not carry out: it has no effect at all."""

    def __init__(self, field: Field, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def refused(resource: Resource, invalid: Invalid) -> tuple[InputError, str]:
    """The error that names a void object, and the note that it was left out."""
    place = invalid.field.locate()
    name = f"{resource.kind} {resource.namespace + '/' if resource.namespace else ''}{resource.name}"
    return InputError(place.path, f"{name}: {invalid.message}", place.line), f"{name} is invalid and was left out"


def listed(field: Field) -> list[Field]:
    """The items of a list that may be missing. Raises ``Invalid`` when it is something else."""
    if field.is_set and type(field.value) is not list:
        raise Invalid(field, f"{field} must be a list")
    return list(field.items())


def mapped(field: Field) -> Field:
    """A mapping that may be missing. Raises ``Invalid`` when it is something else."""
    if field.is_set and type(field.value) is not dict:
        raise Invalid(field, f"{field} must be a mapping")
    return field


def only(field: Field, *names: str) -> tuple[str, Field]:
    """The one member of a union that is set. Raises ``Invalid`` when there is none or more than one, or one that is not known."""
    mapped(field)
    given = [(name, child) for name, child in field.entries() if child.is_set]
    if len(given) != 1 or given[0][0] not in names:
        raise Invalid(field, f"{field} must have exactly one of {', '.join(names)}")
    return given[0]
