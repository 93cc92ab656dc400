"""Istio's policies as tiers, policies and rules, and endpoints marked so that those can mean them.

Three tiers, asked in this order, of the destination alone and for TCP alone: PeerAuthentications refuse plain text; DENY policies refuse; where an
ALLOW policy selects the destination, one of them must match. What CUSTOM policies hand to their provider, and what DENY policies refuse of some
requests only, are ``log`` rules that carry the restriction: the connection is let through, and something of it is not. AUDIT changes nothing.

What a rule means depends on the destination's profile: on ports without mutual TLS nobody has an identity; on ports that are no HTTP a rule about
requests allows nothing and denies everything; the node's proxy of ambient mode knows no requests at all, and does the same.

Sources: the Istio reference of AuthorizationPolicy and its conditions (v1.27), the tasks "TCP traffic" and "Layer 4 security policy".
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seawall.deploy.network.kinds.selectors import both
from seawall.deploy.network.mesh import mtls
from seawall.deploy.network.mesh.model import (
    ALL_PORTS,
    ROOT_NAMESPACE,
    TRUST_DOMAIN,
    AuthorizationPolicy,
    AuthorizationRule,
    Condition,
    Identities,
    Member,
    Mode,
    Modes,
    PeerAuthentication,
    Profile,
    Target,
)
from seawall.deploy.network.mesh.spans import Spans, meet, minus, spans
from seawall.deploy.network.model import (
    Action,
    All,
    Any,
    Anything,
    Called,
    Compare,
    Endpoint,
    Expression,
    Has,
    Not,
    Policy,
    PortMatch,
    Protocol,
    Restriction,
    Rule,
    Scope,
    Tier,
    Within,
)

MTLS: Final = Tier(name="{mtls}", order=1, default=Action.PASS)
DENYING: Final = Tier(name="{authorization-deny}", order=2, default=Action.PASS)
ALLOWING: Final = Tier(name="{authorization-allow}", order=3, default=Action.DENY)
TIERS: Final = (MTLS, DENYING, ALLOWING)

# Marks are labels that no selector can mean, as their keys are none.
_MEMBER: Final = "{mesh}"
_PROFILE: Final = "{profile}"
_IN_MESH: Final = Has(_MEMBER)
_PLAIN: Final = Not(_IN_MESH)
_GUARDED: Final = Compare(_MEMBER, (Member.AMBIENT.value, Member.SIDECAR.value))
BYPASS: Final = "Mesh"  # the kind of what lets past the proxy
_NOBODY: Final = Any(())
_NOT_CARRIED: Final = tuple(PortMatch(protocol) for protocol in Protocol if protocol is not Protocol.TCP)
_GATEWAY_LABELS: Final = ("gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name")


def marked(endpoints: Sequence[Endpoint], profiles: Sequence[Profile]) -> tuple[Endpoint, ...]:
    """The endpoints, those in the mesh with marks of how they are and of their profile."""
    numbers = _numbers(profiles)
    return tuple(
        endpoint
        if profile.member is None
        else replace(endpoint, labels={**endpoint.labels, _MEMBER: profile.member.value, _PROFILE: str(numbers[profile])})
        for endpoint, profile in zip(endpoints, profiles, strict=True)
    )


def _numbers(profiles: Sequence[Profile]) -> dict[Profile, int]:
    """A number for each distinct profile of the mesh."""
    return {profile: number for number, profile in enumerate(dict.fromkeys(profile for profile in profiles if profile.member is not None))}


def policies(
    endpoints: Sequence[Endpoint],
    profiles: Sequence[Profile],
    authentications: Iterable[PeerAuthentication],
    authorizations: Iterable[AuthorizationPolicy],
) -> tuple[Policy, ...]:
    """All policies of the layer, for endpoints :func:`marked` with the same profiles."""
    accounts = _Accounts(
        {(endpoint.namespace, endpoint.service_account) for endpoint, own in zip(endpoints, profiles, strict=True) if own.member is not None}
    )
    numbers = {str(number): profile for profile, number in _numbers(profiles).items() if profile.member is not Member.UNKNOWN}
    found = [*_mutual_tls(authentications)]
    for policy in authorizations:
        found += _authorization(policy, numbers, accounts)
    return (*_uncarried(numbers), *found) if found else ()


def _uncarried(numbers: Mapping[str, Profile]) -> Iterator[Policy]:
    """What does not go through a proxy: everything but TCP, and the ports that pods leave out."""
    rules = [Rule(action=Action.PASS, ports=_NOT_CARRIED)]
    by_ports: dict[Spans, list[str]] = {}
    for number, profile in numbers.items():
        if profile.bypassed:
            by_ports.setdefault(profile.bypassed, []).append(number)
    rules += [Rule(action=Action.PASS, subject=Compare(_PROFILE, tuple(own)), ports=_matches(ports)) for ports, own in by_ports.items()]
    for tier in TIERS:
        yield Policy(kind=BYPASS, name="bypass", tier=tier.name, order=-inf, subject=_GUARDED, ingress=tuple(rules))


def _matches(ports: Spans) -> tuple[PortMatch, ...]:
    return (PortMatch(Protocol.TCP),) if ports == ALL_PORTS else tuple(PortMatch(Protocol.TCP, first, last) for first, last in ports)


def subject_of(target: Target) -> Expression:
    """The workloads that a policy is for, as far as a proxy guards them."""
    here: Expression = Anything() if target.namespace == ROOT_NAMESPACE and not target.gateways else Called((target.namespace,), Scope.NAMESPACE)
    if target.gateways:
        names = tuple(sorted(target.gateways))
        return both(_GUARDED, here, Any(tuple(Compare(key, names) for key in _GATEWAY_LABELS)))
    wanted = (Compare(requirement.key, tuple(requirement.values)) for requirement in target.selector.requirements)
    return both(_GUARDED, here, *wanted)


# PeerAuthentication


def _mutual_tls(given: Iterable[PeerAuthentication]) -> Iterator[Policy]:
    """The narrower before the wider; each decides what it sets, for the next to say the rest. Of those for workloads only the oldest counts."""
    workloads, namespaces, mesh = mtls.in_order(given)
    older: list[Expression] = []
    for order, policy in enumerate((*workloads, *namespaces, *mesh)):
        subject = subject_of(policy.target)
        competing = [item for item in older if policy in workloads]
        yield Policy(
            kind="PeerAuthentication",
            name=policy.name,
            namespace=policy.target.namespace,
            tier=MTLS.name,
            order=order,
            subject=both(subject, Not(Any(tuple(competing)))) if competing else subject,
            ingress=tuple(_mode_rules(policy)),
            location=policy.location,
        )
        older.append(subject)


def _mode_rules(policy: PeerAuthentication) -> Iterator[Rule]:
    said = [(PortMatch(Protocol.TCP, port, port), mode, f"spec.portLevelMtls.{port}") for port, mode in policy.ports.items()]
    for match, mode, field in (*said, (PortMatch(Protocol.TCP), policy.mode, "spec.mtls")):
        if mode is Mode.STRICT:
            yield Rule(action=Action.DENY, peer=_PLAIN, ports=(match,), field=field)
        if mode is not None:
            subject = Compare(_MEMBER, (Member.SIDECAR.value,)) if mode is Mode.DISABLE else Anything()
            yield Rule(action=Action.PASS, subject=subject, ports=(match,), field=field)


# AuthorizationPolicy


class _Clause(Struct, frozen=True):
    """A source, an operation and all conditions together. ``secure`` is who that means where there is mutual TLS, ``plain`` where there is none."""

    secure: Expression
    plain: Expression
    subject: Expression
    ports: Spans
    http: tuple[Restriction, ...]
    other: tuple[Restriction, ...]


def _authorization(policy: AuthorizationPolicy, numbers: Mapping[str, Profile], accounts: "_Accounts") -> Iterator[Policy]:
    if policy.action == "AUDIT":
        return
    is_allow = policy.action == "ALLOW"
    yield Policy(
        kind="AuthorizationPolicy",
        name=policy.name,
        namespace=policy.target.namespace,
        tier=ALLOWING.name if is_allow else DENYING.name,
        order=0 if policy.action == "CUSTOM" else 1,
        subject=subject_of(policy.target),
        ingress=tuple(rule for index, own in enumerate(policy.rules) for rule in _rules(policy, own, index, numbers, accounts)),
        isolates_ingress=is_allow,
        location=policy.location,
    )


def _rules(policy: AuthorizationPolicy, rule: AuthorizationRule, index: int, numbers: Mapping[str, Profile], accounts: "_Accounts") -> Iterator[Rule]:
    anyhow = (Condition(),)
    for source, operation in product(rule.sources or anyhow, rule.operations or anyhow):
        clause = _clause((source, operation, *rule.conditions), accounts)
        found: dict[tuple[Expression, Spans, Action, tuple[Restriction, ...]], list[str]] = {}
        for number, profile in numbers.items():
            for outcome in _outcomes(policy, clause, profile):
                found.setdefault(outcome, []).append(number)
        for (peer, ports, action, restrictions), own in found.items():
            narrowed = Anything() if len(own) == len(numbers) else Compare(_PROFILE, tuple(own))
            yield Rule(
                action=action,
                peer=peer,
                subject=both(narrowed, clause.subject),
                ports=_matches(ports),
                restrictions=restrictions,
                index=index,
                field=rule.field,
            )


def _outcomes(policy: AuthorizationPolicy, clause: _Clause, profile: Profile) -> Iterator[tuple[Expression, Spans, Action, tuple[Restriction, ...]]]:
    """What a clause does at a destination of this profile: to whom, on which ports, and what of it is let through."""
    without = plain_ports(profile.modes)
    opaque = spans(profile.opaque)
    for peer, ports in ((clause.secure, minus(clause.ports, without)), (clause.plain, meet(clause.ports, without))):
        for is_http, own in ((True, minus(ports, opaque)), (False, meet(ports, opaque))):
            outcome = _outcome(policy, clause, profile.member, is_http=is_http)
            if own and outcome is not None and peer != _NOBODY:
                yield (peer, own, *outcome)


def plain_ports(modes: Modes) -> Spans:
    """The ports without mutual TLS."""
    said = spans(port for port, mode in modes.by_port if (mode is Mode.DISABLE) != (modes.default is Mode.DISABLE))
    return minus(ALL_PORTS, said) if modes.default is Mode.DISABLE else said


def _outcome(policy: AuthorizationPolicy, clause: _Clause, member: Member | None, *, is_http: bool) -> tuple[Action, tuple[Restriction, ...]] | None:
    is_ambient = member is Member.AMBIENT
    if policy.action == "CUSTOM":
        return None if is_ambient else (Action.LOG, (Restriction("custom", f"what {policy.provider} lets through"),))
    judged = () if is_ambient else (*clause.http, *clause.other) if is_http else clause.other  # what is asked of each request or connection
    unknown = (*clause.http, *clause.other) if is_ambient else () if is_http else clause.http  # what cannot be asked there
    if policy.action == "ALLOW":
        return None if unknown else (Action.ALLOW, judged)
    if not judged:
        return Action.DENY, ()
    return Action.LOG, (Restriction(judged[0].kind, f"not where {' and '.join(item.detail for item in judged)}"),)


def _clause(conditions: Sequence[Condition], accounts: "_Accounts") -> _Clause:
    ports = ALL_PORTS
    secure: list[Expression] = []
    plain: list[Expression] = []
    subject: list[Expression] = []
    for item in conditions:
        addresses = list(_addresses(item.networks, item.not_networks))
        secure += [*addresses, *_identity(item, accounts)]
        plain += [*addresses, *(_NOBODY for own in (item.principals, item.namespaces, item.accounts) if own is not None)]
        subject += _addresses(item.own_networks, item.not_own_networks)
        ports = minus(meet(ports, ALL_PORTS if item.ports is None else spans(item.ports)), spans(item.not_ports))
    return _Clause(
        _every(secure),
        _every(plain),
        _every(subject),
        ports,
        tuple(said for item in conditions for said in item.http),
        tuple(said for item in conditions for said in item.other),
    )


def _every(parts: Sequence[Expression]) -> Expression:
    return _NOBODY if _NOBODY in parts else both(*parts)


def _addresses(within: Sequence[object] | None, without: Sequence[object]) -> Iterator[Expression]:
    if within is not None:
        yield Within(tuple(within))  # type: ignore[arg-type]
    if without:
        yield Not(Within(tuple(without)))  # type: ignore[arg-type]


def _identity(condition: Condition, accounts: "_Accounts") -> Iterator[Expression]:
    """Who has one of these identities. What has none is in nobody's namespace, and so is not excluded by any either."""
    for own in (
        Identities(principals=condition.principals or ()),
        Identities(namespaces=condition.namespaces or ()),
        Identities(accounts=condition.accounts or ()),
    ):
        if own != Identities():
            yield accounts.called(own)
    if condition.excluded != Identities():
        yield Not(accounts.called(condition.excluded))


class _Accounts:
    """The service accounts of the mesh, and which of them patterns of identities mean."""

    def __init__(self, known: Iterable[tuple[str, str]]) -> None:
        self._by_namespace: dict[str, dict[str, None]] = {}
        self._by_principal: dict[str, tuple[str, str]] = {}
        self._expressions: dict[Identities, Expression] = {}
        for namespace, name in sorted(known):
            self._by_namespace.setdefault(namespace, {})[name] = None
            self._by_principal[f"{TRUST_DOMAIN}/ns/{namespace}/sa/{name}"] = namespace, name

    def called(self, identities: Identities) -> Expression:
        """Those of the mesh to whom one of these patterns fits."""
        if identities not in self._expressions:
            self._expressions[identities] = self._expression(identities)
        return self._expressions[identities]

    def _expression(self, identities: Identities) -> Expression:
        if "*" in identities.principals or "*" in identities.namespaces:
            return _IN_MESH
        by_namespace: dict[str, dict[str, None]] = {}
        for namespace, name in self._meant(identities):
            by_namespace.setdefault(namespace, {})[name] = None
        whole = tuple(namespace for namespace, names in by_namespace.items() if len(names) == len(self._by_namespace[namespace]))
        parts: list[Expression] = [Called(whole, Scope.NAMESPACE)] if whole else []
        parts += [
            All((Called((namespace,), Scope.NAMESPACE), Called(tuple(names), Scope.SERVICE_ACCOUNT)))
            for namespace, names in by_namespace.items()
            if namespace not in whole
        ]
        return All((_IN_MESH, Any(tuple(parts))))

    def _meant(self, identities: Identities) -> Iterator[tuple[str, str]]:
        for pattern in identities.principals:
            yield from (self._by_principal[text] for text in _fitting(pattern, self._by_principal))
        for pattern in identities.namespaces:
            for namespace in _fitting(pattern, self._by_namespace):
                yield from ((namespace, name) for name in self._by_namespace[namespace])
        for account in identities.accounts:
            namespace, _, name = account.partition("/")
            if name in self._by_namespace.get(namespace, {}):
                yield namespace, name


def _fitting(pattern: str, texts: Collection[str]) -> Iterable[str]:
    """The texts that a pattern means; one without a star means itself."""
    if not pattern.startswith("*") and not pattern.endswith("*"):
        return (pattern,) if pattern in texts else ()
    return (text for text in texts if fits(pattern, text))


def fits(pattern: str, text: str) -> bool:
    """Whether a text is meant: exactly, by its start (``abc*``), by its end (``*abc``), or by being there at all (``*``)."""
    if pattern == "*":
        return bool(text)
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return pattern == text
