"""The story of an image, step by step: what each layer added, what of it is wasted, and which part came from a base image."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from seawall.build.image.catalogue import FoundSecret
from seawall.build.image.inspect import Inspection
from seawall.core.package import Package
from seawall.io.sources.image.filesystem import Wasted
from seawall.io.sources.image.model import Image, Step

MOST_WASTED: Final = 20
"""Files that a report names for each layer, the biggest first."""

_SHELL_PREFIXES: Final = ("/bin/sh -c #(nop) ", "/bin/sh -c ")
_LAST_OF_A_BASE: Final = "CMD"


class LayerStory(Struct, frozen=True, kw_only=True):
    """A step. ``size`` and ``wasted`` are bytes of files; ``compressed`` those that are transferred, -1 where it is not told.

    ``index`` counts the steps from 0. ``base`` says whether it came from the base image, ``None`` where nobody can tell. An ``empty`` step changed
    the configuration only; it has no digest.
    """

    index: int
    digest: str | None
    diff_id: str | None
    instruction: str | None
    created: str | None
    size: int
    compressed: int
    wasted: int
    empty: bool
    base: bool | None
    packages: tuple[Package, ...] = ()
    wasted_files: tuple[Wasted, ...] = ()
    secrets: tuple[FoundSecret, ...] = ()


def story(inspection: Inspection, base: Image | None = None) -> list[LayerStory]:
    """The steps of an inspected image. ``base`` is the image it was built on, where the user knows it."""
    image = inspection.image
    if image is None:
        return []
    by_layer: dict[str, list[Package]] = {}
    for package in inspection.catalogue.packages:
        by_layer.setdefault(package.layer, []).append(package)
    from_base = base_steps(image.steps, base)
    stories = []
    for index, step in enumerate(image.steps):
        layer, history = step.layer, step.history
        listing = inspection.view.layers[layer.index] if layer else None
        stories.append(
            LayerStory(
                index=index,
                digest=(layer.digest or (listing.digest if listing else "")) if layer else None,
                diff_id=(layer.diff_id or (listing.diff_id if listing else "")) if layer else None,
                instruction=instruction(history.created_by or history.comment) if history else None,
                created=history.created or None if history else None,
                size=sum(listing.size_of(place) for place in range(len(listing))) if listing else 0,
                compressed=layer.descriptor.size if layer else 0,
                wasted=inspection.view.waste(layer.index) if layer else 0,
                empty=layer is None,
                base=None if from_base is None else index < from_base,
                packages=tuple(by_layer.get(layer.digest, ())) if layer else (),
                wasted_files=tuple(inspection.view.wasted(layer.index)[:MOST_WASTED]) if layer else (),
                secrets=tuple(secret for secret in inspection.catalogue.secrets if layer and secret.index == layer.index),
            )
        )
    return stories


def instruction(created_by: str) -> str:
    """A step as a Dockerfile would write it: ``RUN apt-get update``, ``COPY dir:1f in /app``."""
    text = created_by.strip()
    for prefix in _SHELL_PREFIXES:
        if text.startswith(prefix):
            rest = text.removeprefix(prefix).strip()
            return rest if "#(nop)" in prefix else f"RUN {rest}"
    return text.removesuffix("# buildkit").strip()


def base_steps(steps: Sequence[Step], base: Image | None = None) -> int | None:
    """How many of the first steps came from the base image; ``None`` where it cannot be told.

    A base that is given must have the first layers. Otherwise it is told by the last ``CMD`` that is followed by a layer: an image ends with what
    it runs, so what comes after was built on it.
    """
    if base is not None:
        return _as_given(steps, base)
    last_layer = max((place for place, step in enumerate(steps) if step.layer), default=-1)
    for place in range(last_layer, -1, -1):
        history = steps[place].history
        if steps[place].layer is None and history and instruction(history.created_by).startswith(_LAST_OF_A_BASE):
            return place + 1
    return None


def _as_given(steps: Sequence[Step], base: Image) -> int | None:
    layers = [(place, step.layer.diff_id) for place, step in enumerate(steps) if step.layer]
    known = [layer.diff_id for layer in base.layers]
    if not known or [diff_id for _, diff_id in layers[: len(known)]] != known:
        return None
    whole = [step.history for step in base.steps]
    if [step.history for step in steps[: len(whole)]] == whole:
        return len(whole)  # its settings stand in our history, too
    return layers[len(known) - 1][0] + 1


def wasted_share(stories: Iterable[LayerStory]) -> float:
    """The share (0 to 1) of all bytes of files that nobody sees."""
    given = list(stories)
    size = sum(layer.size for layer in given)
    return sum(layer.wasted for layer in given) / size if size else 0.0
