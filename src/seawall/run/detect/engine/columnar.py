"""Many conditions on a batch of events at once."""

from collections.abc import Sequence

from seawall.run.detect.engine.columns import Batch, Indices, Rows
from seawall.run.detect.engine.plan import Node, Planner
from seawall.run.detect.language.tree import Condition
from seawall.run.events.source import Column, Source


class Columnar:
    """``select(batch)`` gives for each condition the rows that fit, in order."""

    def __init__(self, conditions: Sequence[Condition], source: Source) -> None:
        self._planner = Planner(source)
        self._nodes: list[Node] = [self._planner.plan(condition) for condition in conditions]
        self._planner.reorder()
        self.shared: Sequence[Column] = tuple(self._planner.shared.values())

    def select(self, batch: Batch) -> list[Indices]:
        everything = Rows(None, batch.size)
        selected = [node.of(batch, everything).positions() for node in self._nodes]
        self._planner.reorder()
        return selected
