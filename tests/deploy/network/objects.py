"""Kubernetes objects as tests write them: dictionaries, and text as manifests have it."""

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from seawall.core.fix import Change, Edit
from seawall.core.location import Location
from seawall.core.resource import Path, Resource
from seawall.deploy.network.load import Loaded, load

Object = dict[str, Any]


class Nowhere:
    """The positions of an object that stands in no file."""

    def locate(self, path: Path, field: str) -> Location:
        return Location("-", 1, 1, 1, 1, field)

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
        return ()


def loaded(objects: Iterable[Object]) -> Loaded:
    return load(Resource("-", item, Nowhere()) for item in objects)


def documents(text: str) -> list[Object]:
    return [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]
