"""The network analyses as the commands use them: targets to a cluster, a cluster to connections, two of them to changes."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from seawall.app.inputs import Reading, find_inputs, read_objects
from seawall.core.errors import InputError
from seawall.core.report import ScanError
from seawall.core.resource import Resource
from seawall.deploy.network.connections import Connection, connections
from seawall.deploy.network.load import load
from seawall.deploy.network.mesh.layer import layered
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster


class Analysis(Struct, frozen=True):
    """A cluster read from targets, with all that could not be read or is void. ``readable`` says whether there was any object at all."""

    cluster: Cluster
    mesh: Mesh
    errors: tuple[ScanError, ...]
    readable: bool


def analyse(targets: Sequence[str], reading: Reading = Reading()) -> Analysis:
    """The cluster that the objects of some targets describe."""
    errors: list[InputError] = []
    resources: list[Resource] = []
    for item in _objects(targets, reading):
        if isinstance(item, InputError):
            errors.append(item)
        else:
            resources.append(item)
    loaded = load(resources)
    return Analysis(loaded.cluster, loaded.mesh, tuple(ScanError.of(error) for error in (*errors, *loaded.errors)), bool(resources))


def _objects(targets: Sequence[str], reading: Reading) -> Iterator[Resource | InputError]:
    for item in find_inputs(targets):
        if isinstance(item, InputError):
            yield item
        else:
            yield from read_objects(item, reading, {})


def all_connections(analysis: Analysis) -> list[Connection]:
    """Everything that the network lets through and the mesh does not refuse."""
    return list(connections(analysis.cluster, layered(analysis.cluster, analysis.mesh)))
