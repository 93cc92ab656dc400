"""From Kubernetes objects to the mesh; lenient with what is wrong in them, as the loading of the network is."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.deploy.network.kinds.invalid import Invalid, refused
from seawall.deploy.network.kinds.istio import GROUP, authorization_policy, peer_authentication
from seawall.deploy.network.mesh import compiled, membership, mtls
from seawall.deploy.network.mesh.model import ROOT_NAMESPACE, TRUST_DOMAIN, AuthorizationPolicy, Mesh, PeerAuthentication, Profile
from seawall.deploy.network.model import Endpoint

_READERS: Final = {(GROUP, "AuthorizationPolicy"): authorization_policy, (GROUP, "PeerAuthentication"): peer_authentication}


class Loaded(Struct, frozen=True):
    """The mesh, and a line for each policy that is void."""

    mesh: Mesh
    errors: tuple[InputError, ...] = ()


def load(resources: Sequence[Resource], endpoints: Sequence[Endpoint]) -> Loaded:
    """The mesh that these objects describe, for the endpoints of their cluster; empty where nothing speaks of Istio."""
    errors: list[InputError] = []
    notes: list[str] = []
    read: list[AuthorizationPolicy | PeerAuthentication] = []
    for resource in resources:
        reader = _READERS.get((resource.group, resource.kind))
        if reader is None:
            continue
        try:
            found = reader(resource, notes)
        except Invalid as invalid:
            error, note = refused(resource, invalid)
            errors.append(error)
            notes.append(note)
            continue
        read += [found] if found is not None else []
    if not read and not membership.is_spoken_of(resources, endpoints):
        return Loaded(Mesh(notes=tuple(dict.fromkeys(notes))), tuple(errors))
    authentications = tuple(item for item in read if isinstance(item, PeerAuthentication))
    authorizations = tuple(item for item in read if isinstance(item, AuthorizationPolicy))
    profiles = with_modes(endpoints, membership.profiles(resources, endpoints, notes), authentications)
    notes += _foreign(authorizations)
    mesh = Mesh(
        profiles=profiles,
        authentications=authentications,
        authorizations=authorizations,
        tiers=compiled.TIERS,
        policies=compiled.policies(endpoints, profiles, authentications, authorizations),
        notes=tuple(dict.fromkeys(notes)),
    )
    return Loaded(mesh, tuple(errors))


def with_modes(endpoints: Sequence[Endpoint], profiles: Sequence[Profile], given: Iterable[PeerAuthentication]) -> tuple[Profile, ...]:
    """The profiles with the mutual TLS that each destination demands."""
    levels = mtls.in_order(given)
    known: dict[object, Profile] = {}
    found = []
    for endpoint, profile in zip(endpoints, profiles, strict=True):
        if profile.member is None or not endpoint.namespace:
            found.append(profile)
            continue
        key = (endpoint.namespace, tuple(sorted(endpoint.labels.items())), profile)
        if key not in known:
            known[key] = replace(profile, modes=mtls.modes(levels, endpoint.namespace, endpoint.labels, profile.member))
        found.append(known[key])
    return tuple(found)


def _foreign(authorizations: Iterable[AuthorizationPolicy]) -> Iterable[str]:
    """A note for each policy that speaks of another trust domain: nothing here is known to be of it."""
    for policy in authorizations:
        domains = {
            pattern.partition("/ns/")[0]
            for rule in policy.rules
            for item in (*rule.sources, *rule.conditions)
            for pattern in (*(item.principals or ()), *item.excluded.principals)
            if "/ns/" in pattern and not pattern.startswith("*")
        }
        for domain in sorted(domains - {TRUST_DOMAIN}):
            yield (
                f"AuthorizationPolicy {policy.target.namespace}/{policy.name} speaks of the trust domain {domain}; "
                f"all pods here are taken to be of {TRUST_DOMAIN} (root namespace {ROOT_NAMESPACE})"
            )
