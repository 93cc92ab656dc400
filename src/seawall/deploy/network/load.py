"""From Kubernetes objects to the model: the only place that is lenient with what is wrong in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.deploy.network import entries, workloads
from seawall.deploy.network.kinds import admin, calico, cilium, kubernetes, names
from seawall.deploy.network.kinds.invalid import Invalid, refused
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.mesh import load as mesh_loading
from seawall.deploy.network.mesh.model import Mesh
from seawall.deploy.network.model import Cluster, Endpoint, Policy, Tier

Compiler = Callable[[Resource, Objects], Iterator[Policy | Tier | Endpoint]]

_FAMILIES: Final = (kubernetes, admin, calico, cilium)
COMPILERS: Final[Mapping[tuple[str, str], Compiler]] = {key: compiler for family in _FAMILIES for key, compiler in family.COMPILERS.items()}
TIERS: Final[tuple[Tier, ...]] = tuple(tier for family in _FAMILIES for tier in family.TIERS)


class Loaded(Struct, frozen=True):
    """The cluster, a line for each policy that is void, and the service mesh that judges after the network."""

    cluster: Cluster
    errors: tuple[InputError, ...] = ()
    mesh: Mesh = Mesh()


def load(resources: Iterable[Resource]) -> Loaded:
    """The cluster that these objects describe. A void policy is left out, as the controller that enforces it would, and an error names it."""
    given = list(resources)
    objects = Objects(given)
    errors: list[InputError] = []
    notes: list[str] = []
    tiers = {tier.name: tier for tier in TIERS}
    policies: list[Policy] = []
    found = [*workloads.endpoints(given), *workloads.nodes(given)]
    for resource in given:
        compiler = COMPILERS.get((resource.group, resource.kind))
        if compiler is None:
            continue
        try:
            made = list(compiler(resource, objects))
        except Invalid as invalid:
            error, note = refused(resource, invalid)
            errors.append(error)
            notes.append(note)
            continue
        for item in made:
            match item:
                case Policy():
                    policies.append(item)
                case Tier():
                    tiers[item.name] = item
                case Endpoint():
                    found.append(item)
    ways_in = entries.ways_in(given, objects)
    tiers[entries.TIER.name] = entries.TIER
    policies += ways_in.policies
    found += ways_in.endpoints
    notes += ways_in.notes
    homeless = [policy for policy in policies if policy.tier not in tiers]
    for policy in homeless:
        where = policy.location
        path, line = (where.path, where.line) if where else ("", None)
        errors.append(InputError(path, f"{policy}: there is no Tier {policy.tier} in the input, so that its place is not known", line))
        notes.append(f"{policy} was left out")
    notes += workloads.mixed(found)
    found += names.endpoints(policies)
    meshed = mesh_loading.load(given, found)
    cluster = Cluster(
        endpoints=tuple(found),
        namespaces=workloads.namespaces(given, found),
        service_accounts=workloads.service_accounts(given),
        nodes={endpoint.node: endpoint.labels for endpoint in workloads.nodes(given)},
        tiers=tuple(tiers.values()),
        policies=tuple(policy for policy in policies if policy.tier in tiers),
        notes=(*notes, *meshed.mesh.notes),
    )
    return Loaded(cluster, (*errors, *meshed.errors), meshed.mesh)
