"""From AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1) to ClusterNetworkPolicy (v1alpha2), with the proof that nothing changes.

| v1alpha1                            | v1alpha2                                            |
|---|---|
| AdminNetworkPolicy                  | tier Admin, the same priority                       |
| BaselineAdminNetworkPolicy default  | tier Baseline, the last priority (the first where   |
|                                     | others stand there already)                         |
| action Allow                        | action Accept                                       |
| ports portNumber, portRange         | protocols tcp, udp, sctp with a destinationPort     |
| ports namedPort                     | protocols destinationNamedPort                      |

The newer kind takes 25 rules, peers and ports where the older took 100: a rule with more is split into neighbours of the same action.

Sources: the APIs of network-policy-api v0.1 (v1alpha1) and v0.2 (v1alpha2).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.errors import InputError
from seawall.core.resource import Field, Resource
from seawall.deploy.network.changes import Change, changes
from seawall.deploy.network.connections import connections
from seawall.deploy.network.kinds.admin import MAX_PRIORITY
from seawall.deploy.network.kinds.invalid import Invalid
from seawall.deploy.network.kinds.objects import Objects
from seawall.deploy.network.load import COMPILERS, load
from seawall.deploy.network.model import Cluster, Policy, Rule
from seawall.deploy.network.reach import reach
from seawall.deploy.network.rules.facts import with_strangers
from seawall.deploy.network.rules.numbering import numbered

GROUP: Final = "policy.networking.k8s.io"
KINDS: Final = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
MAX_ITEMS: Final = 25
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_KNOWN_RULE: Final = {"name", "action", "from", "to", "ports"}
_KNOWN_PEER: Final = {"namespaces", "pods", "nodes", "networks", "domainNames"}
_EXPERIMENTAL: Final = ("nodes", "domainNames")
_WITHOUT_PORT_NAMES: Final = ("networks", "nodes", "domainNames")

Document = dict[str, Any]


class Proof(Struct, frozen=True):
    """``changes`` are the connections that would not be as they were; there are none when the meaning is equal. ``compared`` is how many there were
    before, ``everywhere`` says that the policies compile to the same, so that they mean the same in any other cluster too."""

    changes: tuple[Change, ...]
    compared: int
    everywhere: bool

    @property
    def equal(self) -> bool:
        return not self.changes


class Migration(Struct, frozen=True):
    """The new objects, what could not be carried over, what a reader should know, and the proof."""

    documents: tuple[Document, ...]
    left: tuple[InputError, ...]
    notes: tuple[str, ...]
    proof: Proof


def migrate(resources: Sequence[Resource]) -> Migration:
    """The policies of the older kinds as those of the newer. What is void, or cannot be carried over, stays as it is and is told."""
    given = [resource for resource in resources if resource.group == GROUP and resource.kind in KINDS]
    newer = [resource for resource in resources if resource.group == GROUP and resource.kind == "ClusterNetworkPolicy"]
    taken = {resource.name for resource in newer}
    baseline = 0 if any(resource.field("spec", "tier").text == "Baseline" for resource in newer) else MAX_PRIORITY
    objects = Objects(resources)
    done: dict[int, Document] = {}
    left: list[InputError] = []
    notes: list[str] = []
    for resource in sorted(given, key=lambda item: item.kind):  # the administrator's first: their names are kept
        try:
            list(COMPILERS[GROUP, resource.kind](resource, objects))
            document = _document(resource, _name(resource, taken), baseline, notes)
        except Invalid as invalid:
            place = invalid.field.locate()
            left.append(InputError(place.path, f"{resource.kind} {resource.name} stays as it is: {invalid.message}", place.line))
            continue
        taken.add(document["metadata"]["name"])
        done[id(resource)] = document
    documents = tuple(done[id(resource)] for resource in given if id(resource) in done)
    return Migration(documents, tuple(left), tuple(notes), prove(resources, done))


def prove(resources: Sequence[Resource], instead: Mapping[int, Document]) -> Proof:
    """Compare every connection, also with the outside in both IP versions and with a pod without labels in each namespace, when objects (by their
    ``id``) are replaced."""
    before, after = _judged(resources, {}), _judged(resources, instead)
    old, new = (list(connections(cluster, reach(cluster, (4, 6)))) for cluster in (before, after))
    return Proof(tuple(changes(old, new)), len(old), sorted(map(_meaning, before.policies)) == sorted(map(_meaning, after.policies)))


def _judged(resources: Sequence[Resource], instead: Mapping[int, Document]) -> Cluster:
    given = [Resource(item.path, instead[id(item)], item.positions) if id(item) in instead else item for item in resources]
    return with_strangers(load(numbered(given)).cluster)


def _meaning(policy: Policy) -> str:
    """A compiled policy without what it is called and where it stands. The one of the baseline tier may have any priority there."""
    alone = 0.0 if policy.tier == "kube-baseline" else policy.order
    return repr(replace(policy, kind="", name="", location=None, order=alone, ingress=_rules(policy.ingress), egress=_rules(policy.egress)))


def _rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, field="") for rule in rules)


def _name(resource: Resource, taken: set[str]) -> str:
    """The same name, unless another has it already: the newer kind holds both of the older."""
    name, number = resource.name, 1
    if name in taken:
        name = f"{resource.name}-baseline" if resource.kind == KINDS[1] else f"{resource.name}-admin"
    wanted = name
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _document(resource: Resource, name: str, baseline: int, notes: list[str]) -> Document:
    spec = resource.field("spec")
    if name != resource.name:
        notes.append(f"{resource.kind} {resource.name} is called {name} from now on, as there is another of that name")
    return {
        "apiVersion": f"{GROUP}/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": _metadata(resource, name),
        "spec": {
            "tier": "Admin" if resource.kind == KINDS[0] else "Baseline",
            "priority": spec["priority"].value if resource.kind == KINDS[0] else baseline,
            "subject": spec["subject"].value,
            **{side: rules for side in ("ingress", "egress") if (rules := _side(resource, spec[side], notes))},
        },
    }


def _metadata(resource: Resource, name: str) -> Document:
    """The name, the labels and the annotations; what the API server wrote is not carried over."""
    labels = resource.field("metadata", "labels").value
    annotations = {key: field.value for key, field in resource.field("metadata", "annotations").entries() if key != _LAST_APPLIED}
    return {"name": name, **({"labels": labels} if labels else {}), **({"annotations": annotations} if annotations else {})}


def _side(resource: Resource, field: Field, notes: list[str]) -> list[Document]:
    found = [rule for item in field.items() for rule in _rule(resource, item, notes)]
    if len(found) > MAX_ITEMS:
        raise Invalid(field, f"{field} would have {len(found)} rules, and a ClusterNetworkPolicy takes {MAX_ITEMS}")
    return found


def _rule(resource: Resource, rule: Field, notes: list[str]) -> Iterator[Document]:
    side = "from" if rule["from"].is_set else "to"
    unknown = {key for key, _ in rule.entries()} - _KNOWN_RULE
    if unknown:
        raise Invalid(rule, f"{rule} has {', '.join(sorted(unknown))}, which a ClusterNetworkPolicy does not know")
    peers = [_peer(resource, peer, notes) for peer in rule[side].items()]
    protocols = [_protocol(port) for port in rule["ports"].items()]
    if any("destinationNamedPort" in protocol for protocol in protocols) and any(key in peer for peer in peers for key in _WITHOUT_PORT_NAMES):
        raise Invalid(rule, f"{rule} names a port beside {', '.join(_WITHOUT_PORT_NAMES)}, which have no names for ports")
    action = "Accept" if rule["action"].text == "Allow" else rule["action"].text
    pieces = [(some, those) for some in _chunks(peers) for those in _chunks(protocols) or [[]]]
    for some, those in pieces:
        name = {"name": rule["name"].value} if rule["name"].is_set else {}
        yield {**name, "action": action, side: some, **({"protocols": those} if those else {})}
    if len(pieces) > 1:
        notes.append(f"{rule} of {resource.kind} {resource.name} is split into {len(pieces)} rules, as one takes {MAX_ITEMS} peers and ports")


def _chunks(items: list[Document]) -> list[list[Document]]:
    return [items[start : start + MAX_ITEMS] for start in range(0, len(items), MAX_ITEMS)]


def _peer(resource: Resource, peer: Field, notes: list[str]) -> Document:
    keys = [key for key, _ in peer.entries()]
    if set(keys) - _KNOWN_PEER:
        raise Invalid(peer, f"{peer} has {', '.join(sorted(set(keys) - _KNOWN_PEER))}, which a ClusterNetworkPolicy does not know")
    for key in keys:
        listed = peer[key].value
        if type(listed) is list and len(listed) > MAX_ITEMS:
            raise Invalid(peer[key], f"{peer[key]} has {len(listed)} items, and a ClusterNetworkPolicy takes {MAX_ITEMS}")
        if key in _EXPERIMENTAL:
            note = f"{resource.kind} {resource.name} has {key} for a peer, which only the experimental ClusterNetworkPolicy knows"
            notes += [note] if note not in notes else []
    return {key: peer[key].value for key in keys}


def _protocol(port: Field) -> Document:
    if port["namedPort"].is_set:
        return {"destinationNamedPort": port["namedPort"].value}
    number, range_ = port["portNumber"], port["portRange"]
    protocol = ((number if number.is_set else range_)["protocol"].text or "TCP").lower()
    if number.is_set:
        return {protocol: {"destinationPort": {"number": number["port"].value}}}
    return {protocol: {"destinationPort": {"range": {"start": range_["start"].value, "end": range_["end"].value}}}}
