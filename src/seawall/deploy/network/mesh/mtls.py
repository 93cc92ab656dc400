"""Which mutual TLS a destination demands.

The narrowest PeerAuthentication counts: for the port, the workload, the namespace, the mesh (one of the root namespace without a selector); what it
leaves unset is taken from the next. Of several that are as narrow, the oldest counts. Without any, both kinds of traffic are accepted. Ambient mode
does not know DISABLE, and passes over it.

Source: the Istio reference of PeerAuthentication (v1.27), and its documentation of peer authentication.
"""

from collections.abc import Iterable, Mapping, Sequence

from seawall.deploy.network.mesh.model import ROOT_NAMESPACE, Member, Mode, Modes, PeerAuthentication


def in_order(policies: Iterable[PeerAuthentication]) -> tuple[list[PeerAuthentication], list[PeerAuthentication], list[PeerAuthentication]]:
    """The policies for workloads, for namespaces and for the mesh, each the oldest first. For a namespace and the mesh only the oldest is kept."""
    workloads: list[PeerAuthentication] = []
    by_namespace: dict[str, PeerAuthentication] = {}
    for policy in sorted(policies, key=lambda item: item.age):
        if policy.target.selector.requirements:
            workloads.append(policy)
        else:
            by_namespace.setdefault(policy.target.namespace, policy)
    mesh = [by_namespace.pop(ROOT_NAMESPACE)] if ROOT_NAMESPACE in by_namespace else []
    return workloads, list(by_namespace.values()), mesh


def applies(policy: PeerAuthentication, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether a policy is for a pod."""
    return policy.target.namespace in (namespace, ROOT_NAMESPACE) and policy.target.selector.matches(labels)


def modes(policies: Sequence[Sequence[PeerAuthentication]], namespace: str, labels: Mapping[str, str], member: Member) -> Modes:
    """The modes of a pod, by the policies :func:`in_order`."""
    default: Mode | None = None
    ports: Mapping[int, Mode | None] = {}
    for level in policies:
        policy = next((item for item in level if applies(item, namespace, labels)), None)
        if policy is None:
            continue
        ports = ports or policy.ports
        if default is None:
            default = _known(policy.mode, member)
    mode = default or Mode.PERMISSIVE
    by_port = {port: _known(own, member) or mode for port, own in ports.items()}
    return Modes(mode, tuple(sorted((port, own) for port, own in by_port.items() if own is not mode)))


def _known(mode: Mode | None, member: Member) -> Mode | None:
    return None if member is Member.AMBIENT and mode is Mode.DISABLE else mode
