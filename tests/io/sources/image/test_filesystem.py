"""Merging of layers against a twin that keeps a dictionary tree, copies it whole, and does one thing at a time."""

import copy
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.io.sources.image import filesystem
from seawall.io.sources.image.filesystem import Directory, Filesystem
from seawall.io.sources.image.layer import Want, read_layer
from seawall.io.sources.image.listing import Listing
from seawall.io.sources.image.model import Descriptor
from tests.io.sources.image.builders import Entry, directory, file, hardlink, symlink, tar

Layers = Sequence[Sequence[Entry]]


def listing(entries: Iterable[Entry], taken: Iterable[str] = ()) -> Listing:
    names = set(taken)
    return read_layer(io.BytesIO(tar(entries)), Descriptor(), "", lambda path, _mode, _size: path in names, lambda _path, _data: None, name="image")


def merged(*layers: Iterable[Entry], taken: Iterable[str] = ()) -> Filesystem:
    view = Filesystem("image")
    for entries in layers:
        view.apply(listing(entries, taken))
    return view


def tree(view: Filesystem) -> dict[str, Any]:
    """Path to what is there: ``dir``, or layer and content size (which tests make unique)."""
    return {
        path: "dir" if isinstance(node, Directory) else (file.layer, file.entry.size, file.entry.link if file.entry.kind == 2 else "")
        for path, node in view._nodes_below("", view.root)
        for file in [view._file(path, node)]
    }


# The twin


class Twin:
    """A directory is a dict, everything else a tuple."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}

    def apply(self, layer: int, entries: Sequence[Entry]) -> None:
        named = [(item if isinstance(item, tuple) else (item, b""))[0] for item in entries]
        lower = self.root
        for info in named:
            *parents, name = info.name.split("/")
            place = self.find(lower, parents)
            if place is not None and name == ".wh..wh..opq":
                place.clear()
            elif place is not None and name.startswith(".wh."):
                place.pop(name[4:], None)
        for info in named:
            *parents, name = info.name.split("/")
            if name.startswith(".wh."):
                continue
            place = self.root
            path: list[str] = []
            steps = 0
            waiting = list(parents)
            while waiting:
                part = waiting.pop(0)
                if part == "..":
                    path = path[:-1]
                elif part not in ("", "."):
                    here = self.at(path).get(part)
                    if isinstance(here, tuple) and here[2]:
                        steps += 1
                        if steps > 40:
                            break
                        waiting = here[2].split("/") + waiting
                        path = [] if here[2].startswith("/") else path
                        continue
                    if not isinstance(here, dict):
                        self.at(path)[part] = {}
                    path.append(part)
            if steps > 40:
                continue
            place = self.at(path)
            if info.isdir():
                if not isinstance(place.get(name), dict):
                    place[name] = {}
            else:
                place.pop(name, None)
                place[name] = (layer, info.size, info.linkname if info.issym() else "")

    def at(self, path: Sequence[str]) -> dict[str, Any]:
        place = self.root
        for part in path:
            place = place[part]
        return place

    def find(self, root: dict[str, Any], path: Sequence[str]) -> dict[str, Any] | None:
        place: Any = root
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        return place if isinstance(place, dict) else None

    def tree(self) -> dict[str, Any]:
        found = {}

        def walk(path: str, place: dict[str, Any]) -> None:
            for name, node in place.items():
                found[f"{path}{name}"] = "dir" if isinstance(node, dict) else node
                if isinstance(node, dict):
                    walk(f"{path}{name}/", node)

        walk("", self.root)
        return found


PARTS = st.sampled_from(["a", "b", "c", ".d"])
PATHS = st.lists(PARTS, min_size=1, max_size=4)
TARGETS = st.sampled_from(["a", "b", "/a/b", "../c", "..", "/", "c/b/a", "./b", "../../../a", "nowhere", "/b/../c", "a/b/c/../.."])


@st.composite
def layer_sequences(draw: st.DrawFn, kinds: str) -> list[list[Entry]]:
    """Each file has a size of its own, by which it is known again."""
    size = 0
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        entries: list[Entry] = []
        for _ in range(draw(st.integers(0, 7))):
            *parents, name = draw(PATHS)
            path = "/".join([*parents, name])
            size += 1
            match draw(st.sampled_from(kinds)):
                case "f":
                    entries.append(file(path, b"x" * size))
                case "d":
                    entries.append(directory(path))
                case "s":
                    entries.append(symlink(path, draw(TARGETS)))
                case "w":
                    entries.append(file("/".join([*parents, f".wh.{name}"])))
                case "o":
                    entries.append(file("/".join([*parents, ".wh..wh..opq"])))
        layers.append(entries)
    return layers


def compare(layers: Layers) -> None:
    view, twin = merged(*layers), Twin()
    for number, entries in enumerate(layers):
        twin.apply(number, entries)
        twin.root = copy.deepcopy(twin.root)
    assert tree(view) == twin.tree()


@settings(max_examples=200)
@given(layer_sequences("fffdwwo"))
def test_merges_as_the_twin_does(layers: Layers) -> None:
    compare(layers)


@settings(max_examples=200)
@given(layer_sequences("ffdsss"))
def test_follows_links_as_the_twin_does(layers: Layers) -> None:
    compare(layers)


@settings(max_examples=100)
@given(layer_sequences("fffdwos"))
def test_waste_and_view_together_are_all_bytes(layers: Layers) -> None:
    """Nothing is lost: what a layer has is seen, or wasted, or replaced in its own layer."""
    view = merged(*layers)
    for number, item in enumerate(view.layers):
        seen = sum(file.entry.size for file in view.files() if file.layer == number)
        assert seen + view.waste(number) <= item.content_size
        assert view.waste(number) == sum(wasted.size for wasted in view.wasted(number))
    assert view.waste(len(layers) - 1) == 0


@settings(max_examples=100)
@given(layer_sequences("ffdss"), PATHS.map("/".join))
def test_what_resolves_is_canonical(layers: Layers, path: str) -> None:
    view = merged(*layers)
    found = view.resolve(path)
    everything = tree(view)
    if found is None:
        here = everything.get(path)
        assert here is None or (here != "dir" and here[2]), "what is there resolves, unless it is a link"
    elif found.path:
        assert view.resolve(found.path) == found
        assert view.canonical(path) == found.path
        assert found.path in everything


# Cases by name


def test_a_whiteout_hides_lower_layers_only() -> None:
    view = merged([file("a/x", b"1"), file("a/y", b"22")], [file("a/x", b"333"), file("a/.wh.x"), file("a/.wh.y")])
    assert tree(view) == {"a": "dir", "a/x": (1, 3, "")}
    assert view.waste(0) == 3
    assert [(item.path, item.size, item.by) for item in view.wasted(0)] == [("a/y", 2, 1), ("a/x", 1, 1)]


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_directory_hides_what_was_in_it(first: bool) -> None:
    marker, new = file("a/.wh..wh..opq"), file("a/new", b"n")
    view = merged([file("a/old", b"1"), file("a/b/older", b"2")], [marker, new] if first else [new, marker])
    assert tree(view) == {"a": "dir", "a/new": (1, 1, "")}


def test_a_directory_in_place_of_a_file_and_the_other_way() -> None:
    assert tree(merged([file("a", b"1"), file("b/c", b"22")], [directory("a"), file("b", b"333")])) == {"a": "dir", "b": (1, 3, "")}


def test_a_directory_of_an_upper_layer_hides_nothing() -> None:
    assert "a/x" in tree(merged([file("a/x", b"1")], [directory("a")]))


def test_usr_merge() -> None:
    view = merged([directory("usr/lib"), symlink("lib", "usr/lib"), file("usr/lib/one", b"1")], [file("lib/two", b"22")])
    assert view.canonical("lib/one") == "usr/lib/one"
    assert view.canonical("/lib/two") == "usr/lib/two"
    found = view.resolve("lib/two")
    assert found is not None
    assert (found.layer, found.stored) == (1, "lib/two")
    assert view.canonical("lib/none") == "usr/lib/none"
    assert view.canonical("no/where") == "no/where"


@pytest.mark.parametrize("target", ["/../../../etc/x", "../../../../etc/x", "/etc/x", "../etc/x"])
def test_links_stay_within_the_root(target: str) -> None:
    view = merged([file("etc/x", b"inside"), symlink("a/link", target)])
    found = view.resolve("a/link")
    assert found is not None
    assert found.path == "etc/x"


def test_loops_lead_nowhere() -> None:
    view = merged([symlink("a", "b"), symlink("b", "a"), symlink("c", "c/d"), symlink("self", "."), file("x", b"1")])
    assert [view.resolve(path) for path in ("a", "b/x", "c", "c/x")] == [None] * 4
    found = view.resolve("self/self/self/x")
    assert found is not None
    assert found.path == "x"


def test_a_file_below_a_loop_is_left_out_and_told() -> None:
    view = merged([symlink("a", "b"), symlink("b", "a"), file("a/x", b"1"), file("y", b"2")])
    assert [str(problem) for problem in view.problems] == ["image: layer: a/x leads through a loop of links; left out"]
    assert "y" in tree(view)


def test_hard_links_are_the_file_they_stand_for() -> None:
    view = merged([file("a", b"12345"), hardlink("b", "./a"), hardlink("c", "b")], [file(".wh.a")], taken=["a"])
    found = view.resolve("c")
    assert found is not None
    assert (found.entry.size, found.layer, found.stored, found.was_taken) == (5, 0, "a", True)
    assert not view.survives("a", 0)
    unread = view.unread(lambda path, _mode, _size: path in {"b", "a"})
    assert [(item.path, item.stored) for item in unread] == [("b", "a")]


def test_hard_links_to_nothing_are_told() -> None:
    view = merged([hardlink("b", "none"), hardlink("c", "d"), directory("d")])
    assert len(view.problems) == 2
    assert set(tree(view)) == {"d"}


def test_aufs_keeps_hard_linked_files_aside() -> None:
    view = merged([file(".wh..wh.plnk/12.34", b"123"), hardlink("a", ".wh..wh.plnk/12.34"), directory(".wh..wh.orph"), file(".wh..wh.aufs")])
    assert tree(view) == {"a": (0, 3, "")}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh..."])
def test_whiteouts_of_nothing_are_told(name: str) -> None:
    view = merged([file("a/b", b"1")], [file(f"a/{name}")])
    assert set(tree(view)) == {"a", "a/b"}
    assert len(view.problems) == 1


def test_only_the_last_of_duplicates_counts() -> None:
    view = merged([file("a", b"1"), file("a", b"22"), file("./a", b"333")], taken=["a"])
    assert tree(view) == {"a": (0, 3, "")}
    assert view.survives("a", 0)
    assert view.layers[0].taken == {2}


def test_what_was_replaced_does_not_survive() -> None:
    view = merged([file("a", b"1"), file("b", b"2"), file("c", b"3")], [symlink("a", "b"), file("c", b"4")], taken=["a", "b", "c"])
    assert [view.survives(path, 0) for path in ("a", "b", "c")] == [False, True, False]
    assert view.survives("c", 1)
    assert not view.survives("b", 1)


def test_a_file_that_becomes_a_link_in_its_own_layer_does_not_survive() -> None:
    view = merged([file("a", b"1"), file("b", b"2"), symlink("a", "b")], taken=["a", "b"])
    assert not view.survives("a", 0)


def test_unread_are_wanted_paths_that_only_links_lead_to() -> None:
    view = merged(
        [file("data/lib/status", b"1"), symlink("var", "/data"), symlink("os-release", "real"), file("real", b"22"), symlink("x", "known"),
         file("known", b"3")],
        taken=["known"],
    )  # fmt: skip
    unread = view.unread(lambda path, _mode, _size: path in {"var/lib/status", "os-release", "x", "known"})
    assert {(item.path, item.layer, item.stored) for item in unread} == {("var/lib/status", 0, "data/lib/status"), ("os-release", 0, "real")}
    assert not view.unread(lambda _path, _mode, _size: Want.IF_BINARY)
    for item in unread:
        view.read_as(item)
    assert view.survives("var/lib/status", 0)


def test_links_in_circles_end() -> None:
    entries: list[Entry] = [file(f"d{n}/file{n}", b"x") for n in range(8)]
    entries += [symlink(f"d{n}/to{m}", f"../d{m}") for n in range(8) for m in range(8)]
    view = merged(entries)
    view.unread(lambda _path, _mode, _size: False)
    assert all("further names" in str(problem) for problem in view.problems)


def test_the_number_of_directories_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MAX_ENTRIES", 1000)
    with pytest.raises(InputError, match="more than 1,000 files"):
        merged([file("/".join([str(n), *"abcdefghij"]), b"") for n in range(100)])


def test_walks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MAX_STEPS", 10_000)
    long = "a/../" * 500
    with pytest.raises(InputError, match="too long to follow"):
        merged([directory("a"), symlink("b", long), *(file(f"b/{n}/x") for n in range(100))])


@pytest.mark.parametrize("first", [True, False])
def test_a_directory_made_anew_is_empty(first: bool) -> None:
    marker, new = file(".wh.a"), directory("a")
    view = merged([file("a/old", b"1")], [marker, new] if first else [new, marker])
    assert tree(view) == {"a": "dir"}


def test_a_link_that_is_replaced_leads_elsewhere() -> None:
    links = [symlink("l", "a"), file("l/x", b"1"), symlink("l", "b"), file("l/y", b"22"), directory("l"), file("l/z", b"333")]
    view = merged([directory("a"), directory("b")], links)
    assert tree(view) == {"a": "dir", "a/x": (1, 1, ""), "b": "dir", "b/y": (1, 2, ""), "l": "dir", "l/z": (1, 3, "")}
