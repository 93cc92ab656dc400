"""From a Sigma rule to one of ours: its condition as a tree of our language, and what cannot be said, said.

* Sigma compares without regard to case, ``*`` and ``?`` match anything: ``iglob``, ``icontains``. Fields that the API server spells in one way only
  are compared as they are.
* A field with many values fits when one of them does. ``null`` is a field that is absent.
* Keywords are looked for in the whole event.
* An audit log holds several stages of one request; where a rule does not name the stage, ``RequestReceived`` is left out, so that it fires once.
* A regular expression may match anywhere in Sigma, where ours has to match the whole.

Source: the Sigma specification 2.x (rules, modifiers), and pySigma, which reads them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.run.detect.language import RuleFile, compile_rules
from seawall.run.detect.language.printer import print_condition
from seawall.run.detect.language.tree import And, Call, Check, Condition, Field, Not, Or
from seawall.run.detect.sigma.places import ONE_SPELLING, field_at
from seawall.run.events.fields import known

MAX_BYTES: Final = 4 * 2**20
_MAX_DEPTH: Final = 60
_PRIORITIES: Final = {"informational": "INFORMATIONAL", "low": "NOTICE", "medium": "WARNING", "high": "ERROR", "critical": "CRITICAL"}
_OUTPUT: Final = (
    "{title} (user=%ka.user.name verb=%ka.verb resource=%ka.target.resource subresource=%ka.target.subresource name=%ka.target.name "
    "ns=%ka.target.namespace response=%ka.response.code uri=%ka.uri agent=%ka.useragent ips=%ka.sourceips)"
)
_RECEIVED: Final = Not(Check(Field("ka.stage"), "=", ("RequestReceived",)))


class Refused(Struct, frozen=True):
    """A rule that was not translated, and why. ``other`` says that it is for another log than ours."""

    title: str
    reason: str
    other: bool = False


class Translation(Struct):
    """``rules`` are rules as a rule file holds them."""

    rules: list[dict[str, Any]]
    refused: list[Refused]


class _Unsayable(Exception):
    """What our language cannot say."""


def translate(text: str) -> Translation:
    """The rules in a file of Sigma's. Raises ``UsageError`` where pySigma is not installed."""
    try:
        from sigma.collection import SigmaCollection
        from sigma.exceptions import SigmaError
        from sigma.rule import SigmaRule
    except ImportError:
        raise UsageError("Sigma rules are read by pySigma: install seawall[sigma]") from None
    problem = _problem(text)
    if problem:
        return Translation([], [Refused("", problem)])
    try:
        collection = SigmaCollection.from_yaml(text, collect_errors=True)
    except (SigmaError, yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:  # pySigma lets all of these out
        return Translation([], [Refused("", f"is no Sigma rule: {_line(error)}")])
    result = Translation([], [])
    for rule in collection.rules:
        title = str(rule.title or "")
        if rule.errors:
            result.refused.append(Refused(title, f"is no valid Sigma rule: {_line(rule.errors[0])}"))
        elif not isinstance(rule, SigmaRule):
            result.refused.append(Refused(title, "counts what other rules find (a correlation); write it with 'threshold' and 'window'"))
        elif (rule.logsource.product, rule.logsource.service) != ("kubernetes", "audit"):
            result.refused.append(Refused(title, "is not for the audit log of Kubernetes", other=True))
        else:
            _add(rule, title, result)
    return result


def _add(rule: Any, title: str, result: Translation) -> None:
    from sigma.exceptions import SigmaError

    try:
        translated = _rule(rule, title)
    except (_Unsayable, SigmaError, RecursionError) as error:
        result.refused.append(Refused(title, _line(error)))
        return
    errors = compile_rules([RuleFile(title, written([translated]))]).errors
    if errors:
        result.refused.append(Refused(title, errors[0].message))
    else:
        result.rules.append(translated)


def _problem(text: str) -> str | None:
    """What forbids to read a file on: its size, or references that may make it grow without end."""
    if len(text) > MAX_BYTES:
        return f"is over the limit of {MAX_BYTES // 2**20} MiB"
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                return "has YAML aliases, which Sigma rules do without"
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return f"is nested deeper than {_MAX_DEPTH} levels"
    except yaml.YAMLError as error:
        return f"is no YAML: {_line(error)}"
    return None


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]


def _rule(rule: Any, title: str) -> dict[str, Any]:
    conditions = [_condition(parsed.parsed) for parsed in rule.detection.parsed_condition]
    condition = conditions[0] if len(conditions) == 1 else Or(tuple(conditions))
    if not any(field.name == "ka.stage" or field.argument == "/stage" for field in _fields(condition)):
        condition = And((_RECEIVED, condition))
    description = " ".join(str(rule.description or title).split())
    origin = " ".join(part for part in (f"Sigma rule {rule.id}" if rule.id else "Sigma rule", f"by {rule.author}" if rule.author else "") if part)
    level = rule.level.name.lower() if rule.level else "medium"
    return {
        "rule": title or str(rule.id),
        "desc": f"{description} ({origin})",
        "condition": print_condition(condition),
        "output": _OUTPUT.format(title=(title or str(rule.id)).replace("%", "")),
        "priority": _PRIORITIES.get(level, "WARNING"),
        "source": "k8s_audit",
        "tags": ["sigma", *_tags(rule.tags)],
    }


def _tags(tags: Sequence[Any]) -> Iterator[str]:
    for tag in tags:
        is_technique = tag.namespace == "attack" and tag.name[:1] in "tT" and tag.name[1:2].isdigit()
        yield tag.name.upper() if is_technique else f"{tag.namespace}.{tag.name}"


def _fields(condition: Condition) -> Iterator[Field]:
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)
        case Not(inner):
            yield from _fields(inner)
        case Check(left) if isinstance(left, Field):
            yield left


def _condition(node: Any) -> Condition:
    kind = type(node).__name__
    match kind:
        case "ConditionAND" | "ConditionOR":
            parts = tuple(_condition(part) for part in node.args)
            return parts[0] if len(parts) == 1 else And(parts) if kind == "ConditionAND" else Or(parts)
        case "ConditionNOT":
            return Not(_condition(node.args[0]))
        case "ConditionFieldEqualsValueExpression":
            return _comparison(node.field, node.value)
        case "ConditionValueExpression":
            return _keyword(node.value)
        case _:
            raise _Unsayable(f"{kind} has no counterpart")


def _comparison(path: str, value: Any) -> Condition:
    field = field_at(path)
    if field is None:
        raise _Unsayable(f"the field {path!r} is nothing that an audit event has at one place")
    info = known("k8s_audit").get(field.name)
    is_list = info is not None and info.is_list
    match type(value).__name__:
        case "SigmaString" | "SigmaCasedString":
            return _text(field, value, is_list=is_list, cased=type(value).__name__ == "SigmaCasedString" or field.name in ONE_SPELLING)
        case "SigmaNumber":
            return _check(field, "=", f"{value.number:g}" if isinstance(value.number, float) else str(value.number), is_list=is_list)
        case "SigmaBool":
            return _check(field, "=", "true" if value.boolean else "false", is_list=is_list)
        case "SigmaNull":
            return Not(Check(field, "exists"))
        case "SigmaExists":
            return Check(field, "exists") if bool(value) else Not(Check(field, "exists"))
        case "SigmaCIDRExpression":
            return _network(field, value)
        case "SigmaRegularExpression":
            return _check(field, "regex", _expression(value), is_list=is_list)
        case "SigmaFieldReference":
            return _same_as(field, value, is_list=is_list)
        case "SigmaExpansion":
            return Or(tuple(_comparison(path, each) for each in value.values))
        case "SigmaCompareExpression":
            raise _Unsayable(f"the fields of audit events are texts: {path!r} cannot be compared as a number")
        case other:
            raise _Unsayable(f"values of the kind {other} have no counterpart")


def _check(field: Field, operator: str, value: str, *, is_list: bool) -> Check:
    """A comparison; with a list, of each of its values."""
    if not is_list:
        return Check(field, operator, (value,))
    if operator == "=":
        return Check(field, "intersects", (value,), is_list=True)
    return Check(field, operator, (value,), modifier="anyof", is_list=True)


_MANY: Final = "*"


def _text(field: Field, value: Any, *, is_list: bool, cased: bool) -> Condition:
    parts = [part if isinstance(part, str) else (_MANY, part.name) for part in value.s if part != ""]
    texts = [part for part in parts if isinstance(part, str)]
    stars = [isinstance(part, tuple) and part[1] == "WILDCARD_MULTI" for part in parts]
    if not all(isinstance(part, str) or part[1] in ("WILDCARD_MULTI", "WILDCARD_SINGLE") for part in parts):
        raise _Unsayable("placeholders have to be replaced before")
    if not parts:
        return Or((Not(Check(field, "exists")), _check(field, "=", "", is_list=is_list)))
    if all(stars):
        return Check(field, "exists")
    if cased and len(texts) == 1 and len(parts) - 1 == sum(stars):
        before, after = stars[0], stars[-1]
        operator = "contains" if before and after else "endswith" if before else "startswith" if after else "="
        return _check(field, operator, texts[0], is_list=is_list)
    if len(parts) == 3 and len(texts) == 1 and stars[0] and stars[2]:
        return _check(field, "icontains", texts[0], is_list=is_list)
    if texts == parts and not any(character.isalpha() for character in texts[0]):
        return _check(field, "=", texts[0], is_list=is_list)
    pattern = "".join(_escaped(part) if isinstance(part, str) else "*" if part[1] == "WILDCARD_MULTI" else "?" for part in parts)
    return _check(field, "glob" if cased else "iglob", pattern, is_list=is_list)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]()|\\+@!" else character for character in text)


def _network(field: Field, value: Any) -> Condition:
    if value.network.version != 4 or value.network.prefixlen == 0:
        raise _Unsayable(f"addresses are texts here: the network {value.cidr} cannot be written as beginnings of texts")
    patterns = tuple(str(pattern) for pattern in value.expand("*"))
    return Check(field, "glob", patterns, modifier="anyof", is_list=True)


def _expression(value: Any) -> str:
    flags = "".join(sorted({"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}[flag.name] for flag in value.flags))
    pattern = str(value.regexp.original)
    return f"(?s:.*)(?{flags}:{pattern})(?s:.*)"


def _same_as(field: Field, value: Any, *, is_list: bool) -> Condition:
    other = field_at(value.field)
    if other is None or is_list or value.starts_with or value.ends_with:
        raise _Unsayable(f"{value.field!r} cannot be compared with")
    return Check(field, "=", other=Call("val", (other,)))


def _keyword(value: Any) -> Condition:
    if type(value).__name__ == "SigmaNumber":
        return Check(Field("jevt.obj"), "contains", (str(value.number),))
    if type(value).__name__ != "SigmaString" or not value.s:
        raise _Unsayable("a keyword that is no text")
    texts = [part if isinstance(part, str) else "*" if part.name == "WILDCARD_MULTI" else "?" for part in value.s]
    if len(texts) == 1 and isinstance(value.s[0], str):
        return Check(Field("jevt.obj"), "icontains", (texts[0],))
    pattern = "".join(_escaped(part) if isinstance(part, str) else text for part, text in zip(value.s, texts, strict=True))
    return Check(Field("jevt.obj"), "iglob", (f"*{pattern}*",))


def written(rules: Sequence[dict[str, Any]]) -> str:
    """Rules as a rule file."""
    return yaml.safe_dump(list(rules), sort_keys=False, allow_unicode=True, width=150)
