"""The policies of an input, compiled and not yet judged: all that needs no numpy."""

from collections.abc import Sequence

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.deploy.network.load import load
from seawall.deploy.network.rules.numbering import numbered


class Compiled:
    """The cluster that some objects describe. ``numbered`` are the same objects with their numbers for places; ``void`` has a line for each policy
    that is refused, which stands in the "line" that is the number of its object."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        self.numbered = numbered(resources)
        loaded = load(self.numbered)
        self.cluster = loaded.cluster
        self.void: tuple[InputError, ...] = loaded.errors
