"""Istio's AuthorizationPolicy and PeerAuthentication, as they stand in the input.

What an object would be refused for by Istio's own validation makes it void.

Sources: the Istio reference of both kinds and of the conditions of authorization policies (v1.27).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import Final

from seawall.core.resource import Field, Resource
from seawall.core.selector import Selector, labels_selector
from seawall.deploy.network.kinds.invalid import Invalid, listed, mapped
from seawall.deploy.network.mesh.model import (
    AuthorizationPolicy,
    AuthorizationRule,
    Condition,
    Identities,
    Mode,
    PeerAuthentication,
    Target,
)
from seawall.deploy.network.model import Network, Restriction

GROUP: Final = "security.istio.io"
_ACTIONS: Final = ("ALLOW", "DENY", "CUSTOM", "AUDIT")
_SOURCE: Final = (
    "principals", "notPrincipals", "namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts", "ipBlocks", "notIpBlocks",
    "remoteIpBlocks", "notRemoteIpBlocks", "requestPrincipals", "notRequestPrincipals",
)  # fmt: skip
_OPERATION: Final = ("hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")
_MAX_PORT: Final = 65535


def authorization_policy(resource: Resource, notes: list[str]) -> AuthorizationPolicy | None:
    """The policy of an object; ``None`` where it is not for workloads. Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    action = spec["action"].text or "ALLOW"
    if action not in _ACTIONS or (spec["action"].is_set and not spec["action"].text):
        raise Invalid(spec["action"], f"spec.action must be one of {', '.join(_ACTIONS)}, not {spec['action'].value!r}")
    given = listed(spec["rules"])
    provider = spec.at("provider", "name").text
    if action != "ALLOW" and not given:
        raise Invalid(spec, f"spec.rules must not be empty for {action}, which would never be triggered")
    if (action == "CUSTOM") != bool(provider):
        raise Invalid(spec, "spec.provider.name belongs to the action CUSTOM, and that to it")
    target = _target(resource, notes)
    rules = tuple(_rule(item, target.namespace) for item in given)
    if not target.gateways and (spec["targetRef"].is_set or listed(spec["targetRefs"])):
        return None
    return AuthorizationPolicy(
        name=resource.name,
        target=target,
        action=action,
        rules=rules,
        provider=provider,
        location=resource.field("metadata", "name").locate(),
    )


def _target(resource: Resource, notes: list[str]) -> Target:
    """The workloads of a policy. What is attached to a Service is enforced by a waypoint on the way to it, and not followed."""
    spec, namespace = resource.field("spec"), resource.namespace or "default"
    references = [item for item in (spec["targetRef"], *listed(spec["targetRefs"])) if item.is_set]
    if not references:
        return Target(namespace, _selector(spec["selector"]))
    if spec["selector"].is_set:
        raise Invalid(spec["selector"], "spec.selector must not stand beside spec.targetRefs")
    gateways = tuple(item["name"].text for item in references if item["kind"].text == "Gateway")
    notes += [
        f"{resource.kind} {namespace}/{resource.name} is for {item['kind'].text} {item['name'].text}: "
        "what gateways and waypoints enforce for such is not followed"
        for item in references
        if item["kind"].text != "Gateway"
    ]
    return Target(namespace, gateways=gateways)


def _selector(field: Field) -> Selector:
    labels = mapped(field)["matchLabels"]
    selector = labels_selector(labels.value) if labels.is_set else Selector()
    if selector is None or any("*" in value for _, value in selector.equalities):
        raise Invalid(field, f"{field} is no valid selector of labels")
    return selector


def _rule(field: Field, namespace: str) -> AuthorizationRule:
    if type(field.value) is not dict:
        raise Invalid(field, f"{field} must be a mapping")
    for name in ("from", "to", "when"):
        if field[name].is_set and not listed(field[name]):
            raise Invalid(field[name], f"{field[name]} must not be empty")
    return AuthorizationRule(
        sources=tuple(_source(mapped(item)["source"], namespace) for item in listed(field["from"])),
        operations=tuple(_operation(mapped(item)["operation"]) for item in listed(field["to"])),
        conditions=tuple(_condition(mapped(item), namespace) for item in listed(field["when"])),
        field=str(field),
    )


def _source(field: Field, namespace: str) -> Condition:
    _check_union(field, _SOURCE)
    accounts, not_accounts = _texts(field["serviceAccounts"]), _texts(field["notServiceAccounts"])
    if (accounts or not_accounts) and any(field[name].is_set for name in ("principals", "notPrincipals", "namespaces", "notNamespaces")):
        raise Invalid(field, f"{field} must not have principals or namespaces beside service accounts")
    return Condition(
        principals=_texts(field["principals"]),
        namespaces=_texts(field["namespaces"]),
        accounts=_accounts(accounts, namespace),
        excluded=Identities(_texts(field["notPrincipals"]) or (), _texts(field["notNamespaces"]) or (), _accounts(not_accounts, namespace) or ()),
        networks=_networks(field["ipBlocks"]),
        not_networks=_networks(field["notIpBlocks"]) or (),
        http=(*_said(field, "requestPrincipals", "http"), *_said(field, "notRequestPrincipals", "http")),
        other=(*_said(field, "remoteIpBlocks", "address"), *_said(field, "notRemoteIpBlocks", "address")),
    )


def _operation(field: Field) -> Condition:
    _check_union(field, _OPERATION)
    names = ("methods", "notMethods", "paths", "notPaths", "hosts", "notHosts")
    return Condition(
        ports=_ports(field["ports"]),
        not_ports=_ports(field["notPorts"]) or (),
        http=tuple(item for name in names for item in _said(field, name, "http")),
    )


def _check_union(field: Field, names: tuple[str, ...]) -> None:
    """Something must be set, and nothing that is not known: an unknown demand must not be taken for none."""
    mapped(field)
    if not any(field[name].is_set for name in names):
        raise Invalid(field, f"{field} must have one of {', '.join(names)}")
    for name, child in field.entries():
        if name not in names:
            raise Invalid(child, f"{child} is not known")
        if child.is_set and not listed(child):
            raise Invalid(child, f"{child} must not be empty")


def _condition(field: Field, namespace: str) -> Condition:
    """An item of ``when``: those on the connection as demands on it, the others as restrictions."""
    key, values, excluded = field["key"].text, _texts(field["values"]), _texts(field["notValues"]) or ()
    if not key or (values is None and not excluded):
        raise Invalid(field, f"{field} must have a key, and values or notValues")
    kind = _CONDITIONS.get(key)
    if kind is not None:
        return kind(field, values, excluded, namespace)
    is_http = key.startswith("request.")
    said = tuple(Restriction("http" if is_http else "connection", f"{key} {text}") for text in _sides(values, excluded))
    return Condition(http=said) if is_http else Condition(other=said)


def _sides(values: tuple[str, ...] | None, excluded: tuple[str, ...]) -> list[str]:
    return [*([f"in {', '.join(values)}"] if values is not None else []), *([f"not in {', '.join(excluded)}"] if excluded else [])]


Values = tuple[str, ...] | None
_CONDITIONS: Final[Mapping[str, Callable[[Field, Values, tuple[str, ...], str], Condition]]] = {
    "source.principal": lambda _, values, excluded, __: Condition(principals=values, excluded=Identities(principals=excluded)),
    "source.namespace": lambda _, values, excluded, __: Condition(namespaces=values, excluded=Identities(namespaces=excluded)),
    "source.serviceAccount": lambda _, values, excluded, namespace: Condition(
        accounts=_accounts(values, namespace), excluded=Identities(accounts=_accounts(excluded, namespace) or ())
    ),
    "source.ip": lambda field, _, __, ___: Condition(networks=_networks(field["values"]), not_networks=_networks(field["notValues"]) or ()),
    "destination.ip": lambda field, _, __, ___: Condition(
        own_networks=_networks(field["values"]), not_own_networks=_networks(field["notValues"]) or ()
    ),
    "destination.port": lambda field, _, __, ___: Condition(ports=_ports(field["values"]), not_ports=_ports(field["notValues"]) or ()),
}


def _texts(field: Field) -> tuple[str, ...] | None:
    """The strings of a list, or ``None`` where there is none."""
    given = listed(field)
    for item in given:
        if not item.text:
            raise Invalid(item, f"{item} must be a text that is not empty")
    return tuple(item.text for item in given) if given else None


def _accounts(texts: tuple[str, ...] | None, namespace: str) -> tuple[str, ...] | None:
    """Service accounts as ``namespace/name``; those that say no namespace are of the policy's own."""
    return None if texts is None else tuple(text if "/" in text else f"{namespace}/{text}" for text in texts)


def _networks(field: Field) -> tuple[Network, ...] | None:
    given = listed(field)
    return tuple(_network(item) for item in given) if given else None


def _network(field: Field) -> Network:
    with suppress(ValueError):
        return ip_network(field.text, strict=False)
    raise Invalid(field, f"{field} is no address and no CIDR: {field.value!r}")


def _ports(field: Field) -> tuple[int, ...] | None:
    """Ports, which Istio writes as texts."""
    found = []
    for item in listed(field):
        value = int(item.text) if item.text.isascii() and item.text.isdecimal() and len(item.text) <= 5 else 0
        if not 1 <= value <= _MAX_PORT:
            raise Invalid(item, f"{item} must be a port from 1 to {_MAX_PORT}, written as text, not {item.value!r}")
        found.append(value)
    return tuple(found) or None


def _said(field: Field, name: str, kind: str) -> tuple[Restriction, ...]:
    """A demand in words: ``methods GET, POST``."""
    texts = _texts(field[name])
    return (Restriction(kind, f"{name} {', '.join(texts)}"),) if texts else ()


def peer_authentication(resource: Resource, _notes: list[str]) -> PeerAuthentication:
    """Raises ``Invalid``."""
    spec = mapped(resource.field("spec"))
    selector = _selector(spec["selector"])
    ports: dict[int, Mode | None] = {}
    for key, child in mapped(spec["portLevelMtls"]).entries():
        if not str(key).isdecimal() or not 1 <= int(key) <= _MAX_PORT:
            raise Invalid(child, f"{child} must be called by a port from 1 to {_MAX_PORT}")
        ports[int(key)] = _mode(mapped(child)["mode"])
    if ports and not selector.requirements:
        raise Invalid(spec["portLevelMtls"], "spec.portLevelMtls needs a selector")
    return PeerAuthentication(
        name=resource.name,
        target=Target(resource.namespace or "default", selector),
        mode=_mode(mapped(spec["mtls"])["mode"]),
        ports=ports,
        created=resource.field("metadata", "creationTimestamp").text,
        location=resource.field("metadata", "name").locate(),
    )


def _mode(field: Field) -> Mode | None:
    if not field.is_set or field.text == "UNSET":
        return None
    try:
        return Mode(field.text)
    except ValueError:
        raise Invalid(field, f"{field} must be UNSET, DISABLE, PERMISSIVE or STRICT, not {field.value!r}") from None
