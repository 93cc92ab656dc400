"""Label selectors, as the API defines them (``metav1.LabelSelector``): every requirement must hold."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Requirement(Struct, frozen=True):
    """One expression. ``operator`` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """NotIn and DoesNotExist hold for an object without the label."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


class Selector(Struct, frozen=True):
    """All requirements together. Without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def equalities(self) -> list[tuple[str, str]]:
        """The labels that every selected object must have with exactly this value: the handle of an index."""
        return [
            (requirement.key, next(iter(requirement.values)))
            for requirement in self.requirements
            if requirement.operator == "In" and len(requirement.values) == 1
        ]


_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def selector_of(value: Any) -> Selector | None:
    """The selector that a LabelSelector object spells; None when the API server would refuse it."""
    if type(value) is not dict:
        return None
    requirements = labels_selector({} if value.get("matchLabels") is None else value["matchLabels"])
    expressions = [] if value.get("matchExpressions") is None else value["matchExpressions"]
    if requirements is None or type(expressions) is not list:
        return None
    parsed = [_requirement(expression) for expression in expressions]
    if any(requirement is None for requirement in parsed):
        return None
    return Selector((*requirements.requirements, *(requirement for requirement in parsed if requirement)))


def labels_selector(value: Any) -> Selector | None:
    """The selector of a plain mapping of labels, as Services have it; None when it is no such mapping."""
    if type(value) is not dict or not all(type(wanted) is str for wanted in value.values()):
        return None
    return Selector(tuple(Requirement(key, "In", frozenset({wanted})) for key, wanted in value.items()))


def labels_of(value: Any) -> dict[str, str]:
    """The labels in a ``metadata.labels``; what is no string is no label."""
    if type(value) is not dict:
        return {}
    return {key: label for key, label in value.items() if type(label) is str}


def _requirement(value: Any) -> Requirement | None:
    if type(value) is not dict or type(value.get("key")) is not str:
        return None
    if type(value.get("operator")) is not str or value["operator"] not in _OPERATORS:
        return None
    values = [] if value.get("values") is None else value["values"]
    if type(values) is not list or not all(type(item) is str for item in values):
        return None
    if bool(values) != (value["operator"] in ("In", "NotIn")):
        return None
    return Requirement(value["key"], value["operator"], frozenset(values))
