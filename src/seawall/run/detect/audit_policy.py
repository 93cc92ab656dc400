"""What an audit policy lets rules see: the level of each request, the rules that are blind under it, and the least policy under which none is.

``Policy`` decides as the API server does: the first rule that fits a request gives its level, and without one nothing is logged. It decides when the
request arrives, so a ``create`` has no name yet, and it knows the user who authenticated, not the one who is impersonated.

Which requests a detection rule is about is found out from its condition: requests are made up from the resources, verbs and names that it speaks of,
and those are kept that could fit. What a level leaves out of an event is absent; what cannot be known is left open. A rule is blind to a request
where its condition cannot hold at the level that the policy gives it.

Sources: audit.k8s.io/v1 ``Policy``; k8s.io/apiserver ``pkg/audit/policy`` and ``pkg/apis/audit/validation``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import product
from typing import Any, Final

from msgspec import Struct

from seawall.run.detect.engine.detector import Judged
from seawall.run.detect.engine.operands import fields_of
from seawall.run.detect.engine.rows import holds
from seawall.run.detect.language.tree import And, Check, Condition, Field, Name, Not, Or
from seawall.run.events.source import Value

API_VERSION: Final = "audit.k8s.io/v1"
STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
SOURCE: Final = "k8s_audit"


class Level(IntEnum):
    """How much of a request is logged, and in this order."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3

    def __str__(self) -> str:
        return _LEVEL_NAMES[self]


_LEVEL_NAMES: Final = ("None", "Metadata", "Request", "RequestResponse")
_LEVELS: Final = {name: Level(number) for number, name in enumerate(_LEVEL_NAMES)}


_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z").match


class PolicyError(ValueError):
    """Why a document is no policy that the API server would load."""


class Request(Struct, frozen=True):
    """What the policy sees of a request. One that is not for a resource has a ``path`` and an empty ``resource``."""

    user: str = ""
    groups: tuple[str, ...] = ()
    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    def __str__(self) -> str:
        if not self.resource:
            return f"{self.verb} {self.path}"
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{'/' if self.subresource else ''}{self.subresource}{where}"


class Resources(Struct, frozen=True):
    """``GroupResources``: no resources means all of the group, no names all objects."""

    group: str = ""
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class PolicyRule(Struct, frozen=True):
    """What is empty fits everything."""

    level: Level
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    namespaces: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    omit_stages: tuple[str, ...] = ()


class Decision(Struct, frozen=True):
    """``omit_stages`` in the order in which a request passes them."""

    level: Level
    omit_stages: tuple[str, ...] = ()


class Policy(Struct, frozen=True):
    rules: tuple[PolicyRule, ...]
    omit_stages: tuple[str, ...] = ()

    def decide(self, request: Request) -> Decision:
        """The level of a request and the stages that are not logged."""
        for rule in self.rules:
            if _fits(rule, request):
                return Decision(rule.level, _in_order(rule.omit_stages, self.omit_stages))
        return Decision(Level.NONE, _in_order(self.omit_stages))


def _in_order(*stages: Iterable[str]) -> tuple[str, ...]:
    omitted = {stage for some in stages for stage in some}
    return tuple(stage for stage in STAGES if stage in omitted)


def _fits(rule: PolicyRule, request: Request) -> bool:
    if rule.users and request.user not in rule.users:
        return False
    if rule.user_groups and not set(request.groups) & set(rule.user_groups):
        return False
    if rule.verbs and request.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return _fits_resource(rule, request)
    if rule.urls:
        return not request.resource and any(_fits_path(request.path, url) for url in rule.urls)
    return True


def _fits_path(path: str, url: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))


def _fits_resource(rule: PolicyRule, request: Request) -> bool:
    if not request.resource:
        return False
    if rule.namespaces and request.namespace not in rule.namespaces:  # "" stands for what has no namespace
        return False
    return not rule.resources or any(_among(some, request) for some in rule.resources)


def _among(some: Resources, request: Request) -> bool:
    if some.group not in ("*", request.group):
        return False
    if not some.resources:
        return True
    if some.names and request.name not in some.names:
        return False
    combined = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    wanted = {"*", combined, f"{request.resource}/*"}  # `pods/*` fits pods themselves too
    if request.subresource:
        wanted.add(f"*/{request.subresource}")
    return not wanted.isdisjoint(some.resources)


# From a document to a policy.


def parse_policy(document: Any) -> Policy:
    """A policy from a YAML document. Raises :class:`PolicyError`."""
    if not isinstance(document, Mapping):
        raise PolicyError("an audit policy is an object with apiVersion, kind and rules")
    if document.get("kind") != "Policy" or document.get("apiVersion") != API_VERSION:
        raise PolicyError(f"an audit policy has `apiVersion: {API_VERSION}` and `kind: Policy`")
    rules = document.get("rules")
    if not isinstance(rules, list) or not rules:
        raise PolicyError("a policy without rules logs nothing, and the API server refuses it; give it `rules`")
    return Policy(tuple(_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules)), _stages(document, "the policy"))


def _rule(rule: Any, place: str) -> PolicyRule:
    if not isinstance(rule, Mapping):
        raise PolicyError(f"{place} is no object")
    level = rule.get("level")
    if level not in _LEVELS:
        raise PolicyError(f"{place}.level is one of {', '.join(_LEVEL_NAMES)}, not {str(level)[:40]!r}")
    urls = _texts(rule, "nonResourceURLs", place)
    namespaces = _texts(rule, "namespaces", place)
    resources = rule.get("resources") or []
    if not isinstance(resources, list):
        raise PolicyError(f"{place}.resources is a list of groups")
    if urls and (resources or namespaces):
        raise PolicyError(f"{place} speaks of resources and of nonResourceURLs; make two rules of it")
    for url in urls:
        if (url != "*" and not url.startswith("/")) or "*" in url[:-1]:
            raise PolicyError(f"{place}.nonResourceURLs: {url[:80]!r} has to begin with / and may end in *, and in that only")
    return PolicyRule(
        level=_LEVELS[level],
        users=_texts(rule, "users", place),
        user_groups=_texts(rule, "userGroups", place),
        verbs=_texts(rule, "verbs", place),
        resources=tuple(_resources(some, f"{place}.resources[{number}]") for number, some in enumerate(resources)),
        namespaces=namespaces,
        urls=urls,
        omit_stages=_stages(rule, place),
    )


def _resources(some: Any, place: str) -> Resources:
    if not isinstance(some, Mapping):
        raise PolicyError(f"{place} is no object with group and resources")
    group = some.get("group") or ""
    if not isinstance(group, str) or (group not in ("", "*") and not _SUBDOMAIN(group)):
        raise PolicyError(f"{place}.group is the name of a group without a version, such as apps")
    resources, names = _texts(some, "resources", place), _texts(some, "resourceNames", place)
    if names and not resources:
        raise PolicyError(f"{place}: resourceNames need resources that they are names of")
    return Resources(group, resources, names)


def _stages(holder: Mapping[str, Any], place: str) -> tuple[str, ...]:
    stages = _texts(holder, "omitStages", place)
    for stage in stages:
        if stage not in STAGES:
            raise PolicyError(f"{place}.omitStages: {stage[:40]!r} is no stage; they are {', '.join(STAGES)}")
    return stages


def _texts(holder: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = holder.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PolicyError(f"{place}.{key} is a list of texts")
    return tuple(value)


def request_of(event: Mapping[str, Any]) -> Request:
    """The request behind a native event, as the policy saw it."""
    user, target = _mapping(event.get("user")), _mapping(event.get("objectRef"))
    verb = _text(event.get("verb"))
    subresource = _text(target.get("subresource"))
    named_later = verb == "create" and not subresource  # the log takes the name from the body
    groups = user.get("groups")
    return Request(
        user=_text(user.get("username")),
        groups=tuple(filter(None, map(_text, groups))) if isinstance(groups, list) else (),
        verb=verb,
        group=_text(target.get("apiGroup")),
        resource=_text(target.get("resource")),
        subresource=subresource,
        namespace=_text(target.get("namespace")),
        name="" if named_later else _text(target.get("name")),
        path=_text(event.get("requestURI")).partition("?")[0],
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# What a rule is about.

_KNOWN: Final = """
core     namespaced  configmaps endpoints events persistentvolumeclaims pods podtemplates replicationcontrollers secrets serviceaccounts services
core     cluster     namespaces nodes persistentvolumes
apps     namespaced  deployments statefulsets daemonsets replicasets
batch    namespaced  jobs cronjobs
admissionregistration.k8s.io cluster validatingwebhookconfigurations mutatingwebhookconfigurations
admissionregistration.k8s.io cluster validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies
admissionregistration.k8s.io cluster mutatingadmissionpolicybindings
authorization.k8s.io         cluster selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews
certificates.k8s.io          cluster certificatesigningrequests
coordination.k8s.io       namespaced leases
networking.k8s.io         namespaced ingresses networkpolicies
rbac.authorization.k8s.io namespaced roles rolebindings
rbac.authorization.k8s.io    cluster clusterroles clusterrolebindings
"""
"""Group, scope and resources: those that rules are likely to speak of (kubernetes/api/discovery). Others are taken for namespaced ones of a group of
their own."""
_GROUPS: Final[dict[str, str]] = {}
_CLUSTER_WIDE: Final[set[str]] = set()
for _line in _KNOWN.splitlines()[1:]:
    _group_name, _scope, *_names = _line.split()
    _GROUPS.update(dict.fromkeys(_names, "" if _group_name == "core" else _group_name))
    if _scope == "cluster":
        _CLUSTER_WIDE.update(_names)

_ANY: Final = "some"
"""A resource, namespace or name that no rule speaks of."""
_NAMELESS: Final = frozenset({"list", "watch", "deletecollection"})
_LONG: Final = frozenset({"exec", "attach", "portforward", "proxy"})
_VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_IDENTITIES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("somebody", ("system:authenticated",)),
    ("system:serviceaccount:some:one", ("system:serviceaccounts", "system:serviceaccounts:some", "system:authenticated")),
    ("system:anonymous", ("system:unauthenticated",)),
    ("system:node:some", ("system:nodes", "system:authenticated")),
    ("kubernetes-admin", ("system:masters", "system:authenticated")),
    ("system:kube-scheduler", ("system:authenticated",)),
)
"""Who may have asked, the likeliest first."""
MAX_REQUESTS: Final = 20_000
"""Made up for one rule."""


class Sight:
    """What one rule can see of which requests."""

    def __init__(self, judged: Judged) -> None:
        extension = judged.extension
        self._condition = judged.rule.condition
        self._steps = extension.sequence.steps if extension and extension.sequence else ()
        self._counted = extension.counting.distinct if extension and extension.counting else None
        self._answers: dict[tuple[int, tuple[Value | None, ...]], bool] = {}
        self._fields: dict[int, tuple[Field, ...]] = {}

    def requests(self) -> list[Request]:
        """Requests that the rule could speak of, one for each kind that it tells apart; of the identities the first one that fits any."""
        for user, groups in _IDENTITIES:
            found = [request for request in _made_up([self._condition, *self._steps], user, groups) if self.sees(request, Level.REQUEST_RESPONSE)]
            if found:
                return found
        return []

    def needs(self, request: Request) -> Level | None:
        """The lowest level at which the rule can see a request, ``None`` where no level is enough."""
        return next((level for level in (Level.METADATA, Level.REQUEST, Level.REQUEST_RESPONSE) if self.sees(request, level)), None)

    def sees(self, request: Request, level: Level, omitted: Sequence[str] = ()) -> bool:
        """Whether the rule can fire on an event of this request at any stage that is logged."""
        if level is Level.NONE:
            return False
        long = request.verb == "watch" or request.subresource in _LONG
        for stage in ("ResponseComplete", "ResponseStarted", "RequestReceived", "Panic"):
            if stage not in omitted and (long or stage != "ResponseStarted") and self._fires(_Values(request, level, stage)):
                return True
        return False

    def _fires(self, values: "_Values") -> bool:
        if self._counted is not None and not values.is_open(self._counted) and values.get(self._counted) is None:
            return False  # events without the field whose values are counted count for nothing
        if not self._possible(self._condition, values)[0]:
            return False
        return not self._steps or any(self._possible(step, values)[0] for step in self._steps)

    def _possible(self, condition: Condition, values: "_Values") -> tuple[bool, bool]:
        """Whether the condition can be true, and whether it can be false. Comparisons are taken for independent of each other."""
        match condition:
            case And(parts):
                can_be_false = False
                for part in parts:
                    true, false = self._possible(part, values)
                    if not true:
                        return False, True
                    can_be_false = can_be_false or false
                return True, can_be_false
            case Or(parts):
                can_be_true = False
                for part in parts:
                    true, false = self._possible(part, values)
                    if not false:
                        return True, False
                    can_be_true = can_be_true or true
                return can_be_true, True
            case Not(inner):
                true, false = self._possible(inner, values)
                return false, true
            case Check():
                return self._check(condition, values)
            case Name(name):
                raise ValueError(f"the macro {name} is not expanded")

    def _check(self, check: Check, values: "_Values") -> tuple[bool, bool]:
        fields = self._fields.get(id(check))
        if fields is None:
            fields = (*fields_of(check.left), *(fields_of(check.other) if check.other is not None else ()))
            self._fields[id(check)] = fields
        for field in fields:
            if values.is_open(field):
                return True, True
        key = id(check), tuple(values.get(field) for field in fields)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = holds(check, values.get, SOURCE)
        return answer, not answer


def _made_up(conditions: Sequence[Condition], user: str, groups: tuple[str, ...]) -> Iterator[Request]:
    named: dict[str, list[str]] = {}
    for condition in conditions:
        for check in _checks(condition):
            if isinstance(check.left, Field) and check.left.name in _MADE_UP and check.operator in ("=", "==", "in", "startswith", "endswith"):
                values = named.setdefault(check.left.name, [])
                values.extend(value for value in check.values if value and value not in values)
    resources = [*named.get("ka.target.resource", ()), "" if _speaks_of_paths(conditions) else _ANY]
    subresources = ["", *named.get("ka.target.subresource", ())]
    verbs = list(dict.fromkeys((*named.get("ka.verb", ()), *_VERBS)))
    namespaces = [_ANY, *named.get("ka.target.namespace", ()), ""]
    names = [_ANY, *named.get("ka.target.name", ())[:3]]
    count = 0
    for resource, subresource, verb, namespace, name in product(resources, subresources, verbs, namespaces, names):
        if not resource and (subresource or namespace or name != _ANY):
            continue
        if resource in _CLUSTER_WIDE and namespace:
            continue
        if resource and resource not in _CLUSTER_WIDE and not namespace and verb not in ("list", "watch"):
            continue
        count += 1
        if count > MAX_REQUESTS:
            return
        path = "" if resource else "/some"
        yield Request(user, groups, verb, _group(resource), resource, subresource, namespace, "" if verb in _NAMELESS else name, path)


_MADE_UP: Final = frozenset({"ka.target.resource", "ka.target.subresource", "ka.verb", "ka.target.namespace", "ka.target.name"})


def _group(resource: str) -> str:
    return _GROUPS.get(resource, "some.example" if resource else "")


def _speaks_of_paths(conditions: Sequence[Condition]) -> bool:
    return any(isinstance(check.left, Field) and check.left.name == "ka.uri" for condition in conditions for check in _checks(condition))


def _checks(condition: Condition) -> Iterator[Check]:
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _checks(part)
        case Not(inner):
            yield from _checks(inner)
        case Check():
            yield condition
        case Name():
            return


class _Values:
    """What is known of an event: the request, the level, the stage. Everything else is open."""

    def __init__(self, request: Request, level: Level, stage: str) -> None:
        self._level = level
        self._known: dict[str, Value | None] = {
            "ka.stage": stage,
            "ka.verb": request.verb,
            "ka.user.name": request.user,
            "ka.user.groups": request.groups,
            "ka.target.resource": request.resource or None,
            "ka.target.subresource": request.subresource or None,
            "ka.target.namespace": request.namespace or None,
            "ka.target.name": request.name or (_ANY if request.verb == "create" and request.resource else None),
        }
        if request.path:
            self._known["ka.uri"] = request.path

    def get(self, field: Field) -> Value | None:
        return None if self._is_left_out(field) else self._known.get(field.name)

    def is_open(self, field: Field) -> bool:
        return field.name not in self._known and not self._is_left_out(field)

    def _is_left_out(self, field: Field) -> bool:
        return level_of_field(field) > self._level


_ALWAYS_THERE: Final = ("ka.req.configmap.name", "ka.req.binding.subject.has_name")
"""Fields that are called after the body and do not come from it."""


def level_of_field(field: Field) -> Level:
    """The lowest level at which events have a field."""
    pointer = (field.argument or "").removeprefix("/").partition("/")[0] if field.name in ("jevt.value", "json.value") else ""
    of_request = field.name.startswith("ka.req.") and field.name not in _ALWAYS_THERE
    if of_request or pointer == "requestObject":
        return Level.REQUEST
    if field.name == "ka.resp.name" or pointer == "responseObject":
        return Level.REQUEST_RESPONSE
    return Level.METADATA


# Rules that are blind, and the policy that opens their eyes.


class Blind(Struct, frozen=True):
    """A rule that does not see all that it is about. ``has`` is the level of ``request``, one that it misses; ``sees`` says that it sees others."""

    rule: str
    needs: str
    has: str
    request: str
    sees: bool = False


def blind(policy: Policy, rules: Iterable[Judged]) -> list[Blind]:
    """The rules that miss requests under a policy."""
    found: list[Blind] = []
    for judged in rules:
        if judged.rule.source != SOURCE:
            continue
        sight = Sight(judged)
        missed: list[tuple[Request, Level, Decision]] = []
        seen = False
        for request in sight.requests():
            level = sight.needs(request)
            if level is None:
                continue
            decision = policy.decide(request)
            if sight.sees(request, decision.level, decision.omit_stages):
                seen = True
            else:
                missed.append((request, level, decision))
        if missed:
            request, level, decision = max(missed, key=lambda miss: miss[1] - min(miss[1], miss[2].level))
            found.append(Blind(judged.rule.name, str(level), _has(level, decision), str(request), seen))
    return found


def _has(level: Level, decision: Decision) -> str:
    return str(decision.level) if decision.level < level else f"{decision.level} without {', '.join(decision.omit_stages)}"


def least_policy(rules: Iterable[Judged]) -> dict[str, Any]:
    """The policy that logs no more than the rules need: bodies of what they look into, the metadata of everything else that any rule is about.

    Where a rule looks into secrets, their values are in the log under this policy.
    """
    wanted: dict[Level, dict[tuple[str, str], set[str]]] = {Level.REQUEST_RESPONSE: {}, Level.REQUEST: {}}
    everything = False
    for judged in rules:
        if judged.rule.source != SOURCE:
            continue
        sight = Sight(judged)
        for request in sight.requests():
            level = sight.needs(request)
            if level is Level.METADATA:
                everything = True
            elif level is not None and request.resource:
                resource = "*" if request.resource == _ANY else f"{request.resource}/{request.subresource}".rstrip("/")
                group = "*" if request.resource == _ANY else request.group
                wanted[level].setdefault((group, resource), set()).add(request.verb)
    policy_rules = [rule for level, resources in wanted.items() for rule in _policy_rules(level, resources)]
    if everything or not policy_rules:
        policy_rules.append({"level": str(Level.METADATA)})
    return {"apiVersion": API_VERSION, "kind": "Policy", "omitStages": ["RequestReceived"], "rules": policy_rules}


def _policy_rules(level: Level, wanted: Mapping[tuple[str, str], set[str]]) -> Iterator[dict[str, Any]]:
    by_verbs: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for (group, resource), verbs in sorted(wanted.items()):
        by_verbs.setdefault(tuple(verb for verb in _VERBS if verb in verbs), {}).setdefault(group, []).append(resource)
    for verbs_, groups in by_verbs.items():
        yield {"level": str(level), "verbs": list(verbs_), "resources": [{"group": group, "resources": names} for group, names in groups.items()]}
