"""Suppressions that stand on the object itself: Seawall's own annotations, and those of the tools that a team comes from.

    metadata:
      annotations:
        ignore.seawall/host-network: "the node exporter measures the node; until=2027-01-31"
        ignore-check.kube-linter.io/host-network: "the same, as kube-linter reads it"

They count on the object and on its pod template. Ids of other tools are translated through the aliases of the rules.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from seawall.core.errors import InputError
from seawall.core.location import Location
from seawall.core.pod import Pod, pods
from seawall.core.resource import Field, Resource
from seawall.core.rule import Rule
from seawall.core.selector import labels_of
from seawall.core.suppression import EVERY_RULE, Exemption, Match

OWN = "ignore.seawall/"

Translation = Mapping[tuple[str, str], tuple[str, ...]]
"""(tool, id in lower case) to rule ids."""

_KUBEAUDIT = {
    # The overrides of kubeaudit by the first words of their label; source: its documentation of each auditor.
    "allow-privileged": ("privileged",),
    "allow-privilege-escalation": ("priv-escalation",),
    "allow-read-only-root-filesystem-false": ("readonly-rootfs",),
    "allow-run-as-root": ("run-as-non-root", "run-as-uid-zero"),
    "allow-automount-service-account-token": ("sa-automount", "sa-default-used"),
    "allow-namespace-host-network": ("host-network",),
    "allow-namespace-host-ipc": ("host-ipc",),
    "allow-namespace-host-pid": ("host-pid",),
    "allow-disabled-apparmor": ("apparmor",),
    "allow-disabled-seccomp": ("seccomp-default", "seccomp-unconfined"),
    "allow-capability": ("cap-drop-all", "cap-drop-any", "cap-added", "cap-beyond-default", "cap-only-net-bind", "cap-dangerous"),
    "allow-host-path-mount": ("hostpath", "hostpath-sensitive"),
    "allow-non-default-deny-egress-network-policy": ("netpol-default-deny",),
    "allow-non-default-deny-ingress-network-policy": ("netpol-default-deny",),
}
_UNTIL = re.compile(r"[;,\s]*\buntil=(\S+)\s*$")


def translation(rules: Iterable[Rule]) -> Translation:
    """From the ids of other tools to the rules that look for the same."""
    table: dict[tuple[str, str], list[str]] = defaultdict(list)
    for rule in rules:
        for tool, ids in rule.aliases.items():
            for alias in ids:
                table[tool, alias.lower()].append(rule.id)
    return {key: tuple(ids) for key, ids in table.items()}


def object_exemptions(resource: Resource, table: Translation) -> Iterator[Exemption | InputError]:
    """What the annotations and labels of an object and its pod templates exempt; an error for one of ours that cannot be understood."""
    templates = pods(resource)
    for metadata in (resource.field("metadata"), *(pod.metadata for pod in templates if pod.field.path)):
        for key, field in metadata["annotations"].entries():
            if key.startswith(OWN):
                yield _own(resource, field, key.removeprefix(OWN))
            elif rules := _foreign_annotation(key, field.text, table):
                yield _exemption(resource, field, rules, reason=_reason(key, field.text), optional=True)
    for pod in templates:
        yield from _kubeaudit(pod)


def policy_exemptions(resource: Resource, entries: Sequence[Match], path: str) -> Iterator[Exemption]:
    """What the ``suppressions`` of the policy file at ``path`` exempt of this object."""
    for place, entry in enumerate(entries):
        labels = labels_of(resource.field("metadata", "labels").value)
        if entry.selects(resource.path, resource.namespace, resource.kind, resource.name, labels):
            yield Exemption(
                source="policy", rules=entry.rules, path=resource.path, lines=_lines(resource), written=policy_location(path, place),
                container=entry.container, reason=entry.reason, until=entry.until, entry=policy_entry(path, place),
            )  # fmt: skip


def policy_location(path: str, place: int) -> Location:
    """Where the entry at this place of the ``suppressions`` stands, as well as can be told without reading the file again."""
    return Location(path, 1, 1, 1, 1, field=f"suppressions[{place}]")


def policy_entry(path: str, place: int) -> str:
    """The name under which the exemptions of one policy entry belong together."""
    return f"{path}: suppressions[{place}]"


def _own(resource: Resource, field: Field, rule: str) -> Exemption | InputError:
    reason, until = field.text, None
    if match := _UNTIL.search(reason):
        reason = reason[: match.start()]
        try:
            until = date.fromisoformat(match[1])
        except ValueError:
            return InputError(resource.path, f"until={match[1]} is no date; write it as 2027-01-31", field.locate().line)
    return _exemption(resource, field, (EVERY_RULE if rule == "all" else rule,), reason=reason, until=until)


def _exemption(
    resource: Resource,
    field: Field,
    rules: tuple[str, ...],
    *,
    reason: str = "",
    until: date | None = None,
    container: str = "",
    optional: bool = False,
) -> Exemption:
    return Exemption(
        source="annotation", rules=rules, path=resource.path, lines=_lines(resource), written=field.locate(), container=container, reason=reason,
        until=until, optional=optional,
    )  # fmt: skip


def _lines(resource: Resource) -> tuple[int, int]:
    """The first and last line of a whole object."""
    places = [field.locate() for _, field in resource.root.entries()]
    return min(place.line for place in places), max(place.end_line for place in places)


def _foreign_annotation(key: str, value: str, table: Translation) -> tuple[str, ...]:
    """The rules that another tool's annotation exempts; none when it is no such annotation."""
    if key == "kube-linter.io/ignore-all":
        return (EVERY_RULE,)
    if key.startswith("ignore-check.kube-linter.io/"):
        return table.get(("kube-linter", key.partition("/")[2].lower()), ())
    if key == "kube-score/ignore":
        return tuple(rule for name in value.split(",") for rule in table.get(("kube-score", name.strip().lower()), ()))
    if re.fullmatch(r"checkov\.io/skip\d*", key):
        return table.get(("checkov", value.partition("=")[0].strip().lower()), ())
    if key == "polaris.fairwinds.com/exempt" and value == "true":
        return (EVERY_RULE,)
    if key.startswith("polaris.fairwinds.com/") and key.endswith("-exempt") and value == "true":
        return table.get(("polaris", key.partition("/")[2].removesuffix("-exempt").lower()), ())
    return ()


def _reason(key: str, value: str) -> str:
    said = value.partition("=")[2] if key.startswith("checkov") else value
    return f"{said.strip()} ({key})" if said.strip() not in ("", "true") and not key.startswith("kube-score") else f"({key})"


def _kubeaudit(pod: Pod) -> Iterator[Exemption]:
    for key, field in pod.metadata["labels"].entries():
        prefix, _, name = key.partition("/")
        if prefix not in ("kubeaudit.io", "container.kubeaudit.io"):
            continue
        container, _, override = name.rpartition(".") if prefix.startswith("container") else ("", "", name)
        rules = next((rules for start, rules in _KUBEAUDIT.items() if override.lower().startswith(start)), ())
        if rules:
            yield _exemption(pod.resource, field, rules, reason=f"{field.text} ({key})", container=container, optional=True)
