"""The connections as one HTML page with a map to click through: a click on a workload shows whom it may reach, and who may reach it.

The page loads nothing. Its only style and script are in it, and a Content-Security-Policy names both by their hashes; what comes from the input is
data, in the page as text and in the script as JSON that is never run. Without a script, and for those who cannot see the map, there is a table.
"""

import hashlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from math import ceil, sqrt
from typing import Final

import msgspec
from msgspec import Struct

from seawall.deploy.network.connections import Connection
from seawall.deploy.network.documents import ports as written
from seawall.io.reports.terminal import printable

WIDTH: Final = 196  # of a workload, in pixels, as all that follows
HEIGHT: Final = 40
GAP: Final = 14
PADDING: Final = 14
TITLE: Final = 26
MARGIN: Final = 26
MAX_COLUMNS: Final = 5  # of workloads in a namespace
LETTERS: Final = 26  # of a name that fit
FEW: Final = 250  # connections that are drawn before anything is chosen
MAX_ROWS: Final = 5_000  # of the table
OUTSIDE: Final = "outside"

Box = tuple[int, int, int, int]
"""Left, top, width and height."""


class _Group(Struct, frozen=True):
    name: str
    members: tuple[str, ...]

    @property
    def columns(self) -> int:
        return min(MAX_COLUMNS, ceil(sqrt(len(self.members) / 1.5)))

    @property
    def size(self) -> tuple[int, int]:
        rows = ceil(len(self.members) / self.columns)
        return 2 * PADDING + self.columns * (WIDTH + GAP) - GAP, TITLE + 2 * PADDING + rows * (HEIGHT + GAP) - GAP


def html(
    connections: Iterable[Connection], policies: Mapping[str, Sequence[str]] | None = None, title: str = "Who can talk to whom"
) -> Iterator[str]:
    """The page. ``policies`` are, for each workload, the names of those that select it; workloads without connections are shown if they are in it."""
    found = list(connections)
    names = sorted({name for item in found for name in (item.src, item.dst)} | set(policies or ()))
    groups = _groups(names)
    places = {name: place for place, name in enumerate(name for group in groups for name in group.members)}
    boxes, frames, width, height = _layout(groups)
    style, script = (files(__package__).joinpath("assets", name).read_text("utf-8") for name in ("graph.css", "graph.js"))
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src {_hash(style)}; script-src {_hash(script)}; '
        "base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    bare = '<span class="key bare"></span>no policy selects it' if policies is not None else ""
    yield (
        f'<header><h1>{_text(title)}</h1><span class="soft">{len(places):,} ends, {len(found):,} connections'
        '<span class="key out"></span>may reach<span class="key in"></span>may be reached from'
        f"{bare}</span>"
        '<input id="find" type="search" placeholder="Find a workload" aria-label="Find a workload"></header>\n'
    )
    yield (
        f'<main>\n<svg id="map" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="group" aria-label="Map of workloads">\n'
        f"<defs>{''.join(map(_head, ('head', 'head-out', 'head-in')))}</defs>\n"
    )
    for group, frame in zip(groups, frames, strict=True):
        label = f'<text x="{frame[0] + PADDING}" y="{frame[1] + TITLE}">{_text(_shortened(group.name, 60))}</text>'
        yield f'<g class="group">{_rect(frame, 8)}{label}</g>\n'
    yield '<g id="edges"></g>\n'
    for name in places:
        yield _node(name, boxes[name], is_bare=policies is not None and name in policies and not policies[name])
    yield "</svg>\n"
    yield from _table(found)
    yield "</main>\n"
    yield (
        '<aside id="panel" aria-live="polite"><h2>Choose a workload</h2><p class="soft">A click, or Enter, on a workload shows whom it may reach, '
        "who may reach it, on which ports, and which policies select it. Escape shows all again.</p></aside>\n"
    )
    yield f'<script id="graph" type="application/json">{_data(found, places, boxes, policies)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _groups(names: Iterable[str]) -> list[_Group]:
    """By namespace; what has none is outside, and comes first."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        namespace, slash, _ = name.partition("/")
        found[namespace if slash and name.endswith("]") else ""].append(name)
    return [_Group(namespace or OUTSIDE, tuple(own)) for namespace, own in sorted(found.items())]


def _layout(groups: Sequence[_Group]) -> tuple[dict[str, Box], list[Box], int, int]:
    """The boxes of all workloads and of their namespaces, in rows that make the whole about as wide as a screen, and its size."""
    sizes = [group.size for group in groups]
    area = sum((width + MARGIN) * (height + MARGIN) for width, height in sizes)
    limit = max([*(width for width, _ in sizes), int(sqrt(area * 1.7)), 900])
    boxes: dict[str, Box] = {}
    frames: list[Box] = []
    left = top = deepest = widest = 0
    for group, (width, height) in zip(groups, sizes, strict=True):
        if left and left + width > limit:
            left, top, deepest = 0, top + deepest + MARGIN, 0
        frames.append((left + 1, top + 1, width, height))
        for number, name in enumerate(group.members):
            row, column = divmod(number, group.columns)
            x, y = left + 1 + PADDING + column * (WIDTH + GAP), top + 1 + TITLE + PADDING + row * (HEIGHT + GAP)
            boxes[name] = (x, y, WIDTH, HEIGHT)
        left += width + MARGIN
        deepest = max(deepest, height)
        widest = max(widest, left)
    return boxes, frames, widest + 2, top + deepest + 2


def _node(name: str, box: Box, *, is_bare: bool) -> str:
    short, _, kind = name.rpartition("/")[2].partition("[") if name.endswith("]") else (name, "", "")
    second = f'<text class="kind" x="{box[0] + 10}" y="{box[1] + 32}">{_text(kind.rstrip("]"))}</text>' if kind else ""
    return (
        f'<g class="node{" bare" if is_bare else ""}" tabindex="0" role="button" aria-pressed="false"><title>{_text(name)}</title>{_rect(box, 5)}'
        f'<text x="{box[0] + 10}" y="{box[1] + (17 if kind else 25)}">{_text(_shortened(short, LETTERS))}</text>{second}</g>\n'
    )


def _table(found: Sequence[Connection]) -> Iterator[str]:
    yield "<details><summary>The connections as a table</summary>\n<table><thead><tr><th>From</th><th>To</th><th>Ports</th></tr></thead>\n<tbody>\n"
    for item in found[:MAX_ROWS]:
        yield f"<tr><td>{_text(item.src)}</td><td>{_text(item.dst)}</td><td>{_text(written(item.ports))}</td></tr>\n"
    yield "</tbody></table>\n"
    if len(found) > MAX_ROWS:
        yield f"<p>{len(found) - MAX_ROWS:,} more are left out of the table; the map has them.</p>\n"
    yield "</details>\n"


def _data(found: Iterable[Connection], places: Mapping[str, int], boxes: Mapping[str, Box], policies: Mapping[str, Sequence[str]] | None) -> str:
    """What the script reads. No ``<`` is left in it, so that nothing in it ends the element that holds it."""
    numbers: dict[str, int] = {}
    edges = [(places[item.src], places[item.dst], numbers.setdefault(written(item.ports), len(numbers))) for item in found]
    nodes = [
        {"name": printable(name), "box": boxes[name], "policies": list(map(printable, policies[name])) if policies and name in policies else None}
        for name in places
    ]
    data = msgspec.json.encode({"nodes": nodes, "ports": list(numbers), "edges": edges, "few": FEW}).decode()
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _head(name: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0L8 4L0 8Z"/></marker>'
    )


def _rect(box: Box, radius: int) -> str:
    return f'<rect x="{box[0]}" y="{box[1]}" width="{box[2]}" height="{box[3]}" rx="{radius}"/>'


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}\u2026"


def _text(value: str) -> str:
    return escape(printable(value))
