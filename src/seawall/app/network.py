"""The network analyses as the commands use them: targets to a cluster, a cluster to connections, two of them to changes."""

from collections.abc import Sequence

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
    resources, errors = read_all(targets, reading)
    loaded = load(resources)
    return Analysis(loaded.cluster, loaded.mesh, (*errors, *map(ScanError.of, loaded.errors)), bool(resources))


def read_all(targets: Sequence[str], reading: Reading = Reading()) -> tuple[list[Resource], tuple[ScanError, ...]]:
    """The objects of some targets, and what of them could not be read. That there is none at all is an error, too."""
    resources: list[Resource] = []
    errors: list[InputError] = []
    for item in find_inputs(targets):
        for read in [item] if isinstance(item, InputError) else read_objects(item, reading, {}):
            if isinstance(read, InputError):
                errors.append(read)
            else:
                resources.append(read)
    if not resources and not errors:
        errors.append(InputError(" ".join(targets), "no Kubernetes object in it"))
    return resources, tuple(map(ScanError.of, errors))


def all_connections(analysis: Analysis) -> list[Connection]:
    """Everything that the network lets through and the mesh does not refuse."""
    return list(connections(analysis.cluster, layered(analysis.cluster, analysis.mesh)))
