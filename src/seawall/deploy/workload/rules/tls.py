"""Network: TLS and filtering at the ways in: Gateways, Routes, certificates, web application firewalls."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from seawall.core.errors import UsageError
from seawall.core.finding import Evidence
from seawall.core.resource import Field, Resource
from seawall.core.severity import Confidence, Severity
from seawall.core.verdict import Failure, Unjudged, Verdicts
from seawall.deploy.workload.check import inventory_rule, resource_rule
from seawall.deploy.workload.inventory import Inventory

_GATEWAY_API = "gateway.networking.k8s.io"
_ISTIO = "networking.istio.io"
_PLAIN = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")

_NGINX = "nginx.ingress.kubernetes.io/"
_FIREWALLS = {
    # Annotation that puts a web application firewall in front of an Ingress -> the value that takes it away; source: the controllers' documentation.
    _NGINX + "enable-modsecurity": "false",
    "alb.ingress.kubernetes.io/wafv2-acl-arn": "none",
    "alb.ingress.kubernetes.io/waf-acl-id": "none",
    "alb.ingress.kubernetes.io/web-acl-id": "none",
    "appgw.ingress.kubernetes.io/waf-policy-for-path": "",
    "haproxy-ingress.github.io/waf": "",
    "ingress.kubernetes.io/waf": "",
}
_MODES = ("haproxy-ingress.github.io/waf-mode", "ingress.kubernetes.io/waf-mode")


@inventory_rule(
    "gateway-tls",
    "Gateway or Route without TLS",
    # Medium: passwords and sessions travel in the clear.
    Severity.MEDIUM,
    category="network",
    kinds=("Gateway", "Route"),
)
def gateway_tls(inventory: Inventory) -> Verdicts:
    """
    What it finds: A listener of a Gateway (Gateway API) for HTTP that does more than send to HTTPS, or one for HTTPS or TLS that ends it without a
        certificate; a server of an Istio Gateway for HTTP without httpsRedirect; an OpenShift Route without tls, or with
        insecureEdgeTerminationPolicy Allow.
    Why it matters: Requests, cookies and passwords can be read and changed on the way.
    How to fix: Listen for HTTPS with a certificate, and let the listener for HTTP only redirect (filter RequestRedirect with scheme https;
        httpsRedirect; insecureEdgeTerminationPolicy Redirect).
    Exceptions: TLS that ends in front of the Gateway, and Gateways inside a mesh that encrypts by itself.
    """
    for gateway in inventory.of_kind("Gateway"):
        if gateway.group == _GATEWAY_API:
            yield from _listeners(inventory, gateway)
        elif gateway.group == _ISTIO:
            for server in gateway.field("spec", "servers").items():
                if server["port"]["protocol"].text.upper() in _PLAIN and server["tls"]["httpsRedirect"].value is not True:
                    yield Failure(server["port"]["protocol"], f"Gateway {gateway.name} serves HTTP without TLS")
    for route in inventory.of_kind("Route"):
        if route.group not in ("route.openshift.io", ""):
            continue
        tls = route.field("spec", "tls")
        if not tls["termination"].is_set:
            yield Failure(tls, f"Route {route.name} has no TLS")
        elif tls["insecureEdgeTerminationPolicy"].text == "Allow":
            yield Failure(tls["insecureEdgeTerminationPolicy"], f"Route {route.name} also answers without TLS")


def _listeners(inventory: Inventory, gateway: Resource) -> Verdicts:
    listeners = list(gateway.field("spec", "listeners").items())
    encrypted = any(item["protocol"].text in ("HTTPS", "TLS") for item in listeners)
    for listener in listeners:
        tls = listener["tls"]
        if listener["protocol"].text in ("HTTPS", "TLS"):
            if (tls["mode"].text or "Terminate") == "Terminate" and not tls["certificateRefs"].value and not tls["options"].value:
                yield Failure(tls, f"Gateway {gateway.name} ends TLS without a certificate at listener {listener['name'].text}")
        elif listener["protocol"].text == "HTTP":
            routes = list(_attached(inventory, gateway, listener))
            serving = [route for route in routes if not _only_redirects(route)]
            if serving:
                also = tuple(route.field("metadata", "name") for route in serving[:3])
                yield Failure(listener["protocol"], f"Gateway {gateway.name} serves {serving[0].kind} {serving[0].name} without TLS", also=also)
            elif not routes and not encrypted:
                yield Failure(listener["protocol"], f"Gateway {gateway.name} listens for HTTP alone")


def _attached(inventory: Inventory, gateway: Resource, listener: Field) -> Iterator[Resource]:
    """The routes that name a listener, or the whole Gateway. Whether it takes them is not looked at: they were written to be served there."""
    for route in inventory.of_kind("HTTPRoute", "GRPCRoute"):
        for parent in route.field("spec", "parentRefs").items():
            here = parent["name"].text == gateway.name and (parent["namespace"].text or route.namespace) == gateway.namespace
            section, port = parent["sectionName"].text, parent["port"].integer
            if here and section in ("", listener["name"].text) and port in (None, listener["port"].integer):
                yield route
                break


def _only_redirects(route: Resource) -> bool:
    """Whether every rule sends to HTTPS."""
    rules = list(route.field("spec", "rules").items())
    return bool(rules) and all(any(item["requestRedirect"]["scheme"].text == "https" for item in rule["filters"].items()) for rule in rules)


@resource_rule(
    "tls-certificate-expiring",
    "Certificate has expired or soon will",
    # Medium: from that day on, clients refuse to connect, or are taught not to look.
    Severity.MEDIUM,
    category="network",
    kinds=("Secret",),
    parameters={
        "days": "How many days before its end a certificate is reported.",
        "today": "The day that counts as today, as 2027-01-31; the clock's where it is empty.",
    },
)
def tls_certificate_expiring(resource: Resource, *, days: int = 30, today: str = "") -> Verdicts:
    """
    What it finds: A Secret with a tls.crt of which a certificate has ended, ends within 30 days, or is not valid yet.
    Why it matters: Clients that check refuse the connection: Ingress, Gateway or webhook are down from one second to the next. Those who switch the
        check off to go on working keep it off.
    How to fix: Renew the certificate, and let cert-manager or the platform do so from now on.
    Exceptions: Secrets that a controller renews in the cluster, and of which the input has an old copy.
    """
    if resource.group or not (field := _certificate_field(resource)).text:
        return
    from seawall.deploy.network.rules.certificate import validities

    try:
        pem = field.text if "stringData" in field.path else base64.b64decode(field.text).decode("ascii", "replace")
        found = validities(pem)
    except (ValueError, binascii.Error) as error:
        yield Unjudged(field, f"the certificate cannot be read: {error}")
        return
    now = _day(today) if today else datetime.now(UTC)
    first = min(found, key=lambda item: item.not_after)
    evidence = (Evidence("not after", first.not_after.isoformat()),)
    end = f"{first.not_after:%Y-%m-%d}"
    if first.not_after < now:
        yield Failure(field, f"Secret {resource.name} has a certificate that ended on {end}", evidence=evidence, secret=True, severity=Severity.HIGH)
    elif first.not_after < now + timedelta(days=days):
        yield Failure(field, f"Secret {resource.name} has a certificate that ends on {end}", evidence=evidence, secret=True)
    elif (start := found[0].not_before) > now:
        evidence = (Evidence("not before", start.isoformat()),)
        yield Failure(field, f"Secret {resource.name} has a certificate that is valid from {start:%Y-%m-%d}", evidence=evidence, secret=True)


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"today of tls-certificate-expiring must be a day as 2027-01-31, not {text}") from None


def _certificate_field(resource: Resource) -> Field:
    given = resource.field("stringData", "tls.crt")
    return given if given.is_set else resource.field("data", "tls.crt")


@resource_rule(
    "ingress-waf-off",
    "Web application firewall is off",
    # Low: a second line; it hides holes of the application, it does not close them.
    Severity.LOW,
    category="network",
    kinds=("Ingress", "ConfigMap"),
    confidence=Confidence.MEDIUM,
    parameters={"required": "Whether an Ingress without any annotation for a firewall fails too."},
    in_all={"required": True},
)
def ingress_waf_off(resource: Resource, *, required: bool = False) -> Verdicts:
    """
    What it finds: An Ingress that switches a web application firewall off, or runs one that only writes down what it finds, or one without rules:
        ModSecurity of ingress-nginx and of HAProxy, AWS WAF, Azure's. The same in the ConfigMap of ingress-nginx.
    Why it matters: It looks protected and is not: attacks that the rules know are let through.
    How to fix: For ingress-nginx: enable-modsecurity and enable-owasp-core-rules "true" and a modsecurity-snippet with SecRuleEngine On; for others
        name the policy, and the mode that denies.
    Exceptions: The first weeks, in which false alarms are looked for. Applications with a firewall in front of the cluster.
    """
    if resource.kind == "ConfigMap":
        switch = resource.field("data", "enable-modsecurity")
        if switch.text == "false":
            yield Failure(switch, f"ConfigMap {resource.name} switches ModSecurity off")
        elif switch.text == "true":
            snippet, rules = resource.field("data", "modsecurity-snippet"), resource.field("data", "enable-owasp-modsecurity-crs")
            yield from _modsecurity(f"ConfigMap {resource.name}", switch, snippet, rules)
        return
    if resource.group not in ("networking.k8s.io", "extensions"):
        return
    annotations = resource.field("metadata", "annotations")
    given = [(annotations[key], off) for key, off in _FIREWALLS.items() if annotations[key].is_set]
    for field, off in given:
        if field.text.lower() == off:
            yield Failure(field, f"Ingress {resource.name} switches its web application firewall off")
    for key in _MODES:
        if annotations[key].text == "detect":
            yield Failure(annotations[key], f"Ingress {resource.name} has a web application firewall that lets everything through")
    switch = annotations[_NGINX + "enable-modsecurity"]
    if switch.text == "true":
        snippet, rules = annotations[_NGINX + "modsecurity-snippet"], annotations[_NGINX + "enable-owasp-core-rules"]
        yield from _modsecurity(f"Ingress {resource.name}", switch, snippet, rules)
    if required and not given:
        yield Failure(annotations, f"Ingress {resource.name} has no web application firewall")


def _modsecurity(what: str, switch: Field, snippet: Field, rules: Field) -> Verdicts:
    """ModSecurity that is on: it must deny, which by itself it does not, and have rules."""
    engine = re.findall(r"(?im)^\s*SecRuleEngine\s+\"?(\w+)", snippet.text)
    if not engine or engine[-1].lower() != "on":
        yield Failure(snippet if snippet.is_set else switch, f"{what} runs ModSecurity without SecRuleEngine On, so that it lets everything through")
    elif rules.text != "true" and not re.search(r"(?im)^\s*(Include|SecRule)\s", snippet.text):
        yield Failure(switch, f"{what} runs ModSecurity without rules")
