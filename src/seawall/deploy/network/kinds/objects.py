"""What a policy may refer to by name: Services, groups of CIDRs and the like, found by kind, namespace and name."""

from collections.abc import Iterable
from typing import Final

from seawall.core.resource import Resource

_CORE: Final = frozenset({"Service", "Pod", "Namespace", "Node", "ServiceAccount"})


class Objects:
    """The objects of the input, by kind, namespace and name. What stands twice is found once, the first.

    Kinds of the core group are those, and not others that are called the same (``Service`` of Knative).
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._by_name: dict[tuple[str, str, str], Resource] = {}
        for resource in resources:
            if resource.kind in _CORE and resource.group:
                continue
            self._by_name.setdefault((resource.kind, resource.namespace, resource.name), resource)

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """An object; those that leave their namespace out are in ``default``."""
        found = self._by_name.get((kind, namespace, name))
        return found or (self._by_name.get((kind, "", name)) if namespace == "default" else None)

    def all(self, kind: str) -> list[Resource]:
        """Every object of a kind, in the order of the input."""
        return [resource for (own, _, _), resource in self._by_name.items() if own == kind]
