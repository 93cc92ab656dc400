"""Edits of text by example, one for each style of writing, and what is not edited."""

from pathlib import Path as FilePath
from typing import Any

import pytest

from seawall.core.fix import Append, Change, Edit, Remove, Set
from seawall.core.resource import Field, Path, Resource
from seawall.io.sources.document import Document, NodePositions, Source, documents
from seawall.io.sources.edits import MAX_LENGTH, apply, edits
from seawall.io.sources.limits import MAX_DEPTH
from seawall.io.sources.manifests import read_manifest, resources

CORPUS = FilePath(__file__).parents[4] / "shared" / "data" / "corpus"

Changes = list[tuple[Path, Change]]


def put(path: str, value: Any) -> tuple[Path, Change]:
    return steps(path), Set(field(path), value)


def append(path: str, item: Any) -> tuple[Path, Change]:
    return steps(path), Append(field(path), item)


def remove(path: str) -> tuple[Path, Change]:
    return steps(path), Remove(field(path))


def steps(path: str) -> Path:
    """``spec.containers.0.name`` as a path."""
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


def field(path: str) -> Field:
    """Changes carry their field; edits go by the path beside it."""
    return Field(Resource("", {}, None), steps(path), None)  # type: ignore[arg-type]


def last_document(text: str) -> Document:
    *_, document = documents(Source("file.yaml", text))
    assert isinstance(document, Document), document
    return document


def edits_of(text: str, changes: Changes) -> tuple[Edit, ...]:
    document = last_document(text)
    return edits(NodePositions(document, document.root), changes)


def edited(text: str, *changes: tuple[Path, Change]) -> str | None:
    """The text after the changes, or None where there are no edits."""
    found = edits_of(text, list(changes))
    return apply(text, found) if found else None


# Examples


def test_the_edit_of_a_scalar_is_its_entry() -> None:
    (edit,) = edits_of("spec:\n  securityContext:\n    'privileged':  true  # for now\n", [put("spec.securityContext.privileged", False)])
    assert edit == Edit("file.yaml", 3, 5, 3, 24, old="'privileged':  true", new="'privileged':  false")


def test_an_insertion_has_an_empty_region() -> None:
    (edit,) = edits_of("spec:\n  hostPID: true # why\n", [put("spec.hostIPC", False)])
    assert edit == Edit("file.yaml", 2, 22, 2, 22, old="", new="\n  hostIPC: false")


def example(name: str, before: str, *changes: tuple[Path, Change], after: str) -> Any:
    return pytest.param(before, list(changes), after, id=name)


PRIVILEGED = "securityContext.privileged"

EXAMPLES = [
    example(
        "several changes below one missing parent, lists indented like their neighbours",
        """\
spec:
  containers:
  - name: app
    image: app:1
  restartPolicy: Always
""",
        put("spec.containers.0.securityContext.allowPrivilegeEscalation", False),
        append("spec.containers.0.securityContext.capabilities.drop", "ALL"),
        after="""\
spec:
  containers:
  - name: app
    image: app:1
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
        - ALL
  restartPolicy: Always
""",
    ),
    example(
        "indentation by four, a list in the column of its key",
        """\
metadata:
    name: web
securityContext:
    add:
    - A
    drop: null  # to do
""",
        put("metadata.labels.app", "web"),
        append("securityContext.drop", "ALL"),
        after="""\
metadata:
    name: web
    labels:
        app: web
securityContext:
    add:
    - A
    drop:  # to do
    - ALL
""",
    ),
    example(
        "a parent without a value, comments behind it and below it",
        """\
securityContext: # to be done
# the image
image: app
""",
        put(PRIVILEGED, False),
        after="""\
securityContext: # to be done
  privileged: false
# the image
image: app
""",
    ),
    example(
        "items in quotes bring forth items in quotes",
        """\
drop: ["NET_RAW"]
add:
  - 'CHOWN'   # files
  # the end
args: [--a]
""",
        append("drop", "ALL"),
        append("add", "KILL"),
        append("args", "--b=c d"),
        after="""\
drop: ["NET_RAW", "ALL"]
add:
  - 'CHOWN'   # files
  - 'KILL'
  # the end
args: [--a, "--b=c d"]
""",
    ),
    example(
        "a text keeps its quotes, its anchor that nobody uses, and the comment behind it",
        """\
a: 'x'  # one
b: &b "x"
c: x
""",
        put("a", "it's"),
        put("b", "y"),
        put("c", "on"),
        after="""\
a: 'it''s'  # one
b: &b "y"
c: "on"
""",
    ),
    example(
        "values of other kinds",
        """\
list: # of things
  - a
  - b # the last
nothing: {}
text: |
  several
  lines

map:
  a: 1
item:
-
- # comment
- x: 1
""",
        put("list", "none"),
        put("nothing", 1),
        put("text", "one"),
        put("map", []),
        put("item.0", "full"),
        put("item.1", {"a": 1, "b": [2]}),
        put("item.2.x", ["z"]),
        after="""\
list: none # the last
nothing: 1
text: one

map: []
item:
- full
- a: 1
  b:
  - 2 # comment
- x:
  - z
""",
    ),
    example(
        "the first entry behind a dash goes",
        """\
- name: x  # goes too
  # stays
  image: y
- name: x

  image: y
- - a
  - b
""",
        remove("0.name"),
        remove("1.name"),
        remove("2.0"),
        after="""\
- # stays
  image: y
- image: y
- - b
""",
    ),
    example(
        "what becomes empty goes, but not the comments above what was to go",
        """\
a: 1
# the context
securityContext: # goes
  # why capabilities
  capabilities:
    # why SYS_ADMIN
    add:
      - SYS_ADMIN # goes
      # why NET_ADMIN
      - NET_ADMIN
    # the end
b: 2
""",
        remove("securityContext.capabilities.add.0"),
        remove("securityContext.capabilities.add.1"),
        after="""\
a: 1
# the context
# why capabilities
# why SYS_ADMIN
# why NET_ADMIN
    # the end
b: 2
""",
    ),
    example(
        "what was to go takes the comments in it along",
        """\
a: 1
add:
  # why
  - SYS_ADMIN
# stays
b: 2
""",
        remove("add"),
        after="""\
a: 1
# stays
b: 2
""",
    ),
    example(
        "the last entry goes and others come",
        """\
spec:
  # deprecated
  serviceAccount: x # bad
  # the end
""",
        remove("spec.serviceAccount"),
        put("spec.serviceAccountName", "x"),
        after="""\
spec:
  # deprecated
  serviceAccountName: x
  # the end
""",
    ),
    example(
        "flow mappings and lists on one line",
        "a: { x: 1, b: [1, 2, 3], z: {} }\nb: [p, q, r]\nc: {k: v,}\n",
        put("a.x", "one"),
        append("a.b", {"deep": [True]}),
        put("a.z.n", None),
        put("a.new", "a: b"),
        remove("b.0"),
        remove("b.2"),
        put("c.l", "w"),
        after='a: { x: one, b: [1, 2, 3, {deep: [true]}], z: {"n": null}, new: "a: b" }\nb: [q]\nc: {k: v, l: w,}\n',
    ),
    example(
        "flow mappings on several lines, with and without a comma at the end",
        """\
a: {
  x: 1,  # one
  y: 2  # two
}
b: {
  x: 1,  # one
  y: 2,  # two
}
c: {
  x: 1,
  y: 2,
  z: 3 }
d: [
  # first
  1,
  # second
  2,
]
""",
        put("a.z", 3),
        put("b.z", 3),
        put("c.a", 3),
        remove("c.x"),
        remove("d.1"),
        append("d", 3),
        after="""\
a: {
  x: 1,  # one
  y: 2,  # two
  z: 3
}
b: {
  x: 1,  # one
  y: 2,  # two
  z: 3,
}
c: {
  y: 2,
  z: 3,
  a: 3 }
d: [
  # first
  1,
  3,
  # second
]
""",
    ),
    example(
        "JSON with the file's own indentation",
        """\
{
    "spec": {
        "containers": [
            {
                "name": "app",
                "securityContext": {}
            }
        ],
        "hostPID": true
    }
}
""",
        put("spec.containers.0.securityContext.capabilities", {"drop": ["ALL"]}),
        put("spec.containers.0.image", "app:1"),
        remove("spec.hostPID"),
        after="""\
{
    "spec": {
        "containers": [
            {
                "name": "app",
                "securityContext": {
                    "capabilities": {
                        "drop": [
                            "ALL"
                        ]
                    }
                },
                "image": "app:1"
            }
        ]
    }
}
""",
    ),
    example(
        "dense JSON",
        '{"spec":{"hostPID":true,"containers":[{"name":"app"}]}}',
        remove("spec.hostPID"),
        put("spec.containers.0.securityContext", {"a": 1, "b": [False]}),
        after='{"spec":{"containers":[{"name":"app","securityContext":{"a":1,"b":[false]}}]}}',
    ),
    example(
        "JSON that libyaml does not read",
        '{\t"a": "\\ud83d\\ude00", "b": [1]}',
        put("a", "\U0001f600!"),
        append("b", "x"),
        after='{\t"a": "\U0001f600!", "b": [1, "x"]}',
    ),
    example(
        "block scalars at the end of what something is added to",
        """\
- clip: |
    a

- keep: |+
    a

- strip: >-
    a


# the end
""",
        put("0.x", 1),
        put("1.x", 1),
        put("2.x", 1),
        after="""\
- clip: |
    a
  x: 1

- keep: |+
    a

  x: 1
- strip: >-
    a
  x: 1


# the end
""",
    ),
    example("Windows line ends", "a:\r\n  b: 1 # c\r\n", put("a.c.d", [1]), after="a:\r\n  b: 1 # c\r\n  c:\r\n    d:\r\n      - 1\r\n"),
    example("Windows line ends, removal", "a:\r\n  b: 1\r\n  c: 2\r\n", remove("a.b"), after="a:\r\n  c: 2\r\n"),
    example("no line break at the end of the file", "a:\n  b: 1", put("a.c", 1), after="a:\n  b: 1\n  c: 1"),
    example("no line break at the end of the file, removal", "a: 1\nb: 2", remove("b"), after="a: 1\n"),
    example("tabs", "a:\t1\t# one\nb: 2\t\n", put("a", 2), put("c", 3), after="a:\t2\t# one\nb: 2\t\nc: 3\n"),
    example("keys in quotes", '"a":\n  "b": {}\n', put("a.c", "x"), put("a.b.c", "x"), after='"a":\n  "b": {"c": x}\n  "c": x\n'),
    example(
        "wide characters",
        "é: \U0001f600 # ü\nb: {\U0001f600: 1}\n",
        put("é", "ä"), put("b.c", 1),
        after='é: "ä" # ü\nb: {\U0001f600: 1, c: 1}\n',
    ),
    example(
        "the last of several documents",
        "---\na: 1\n---  # second\na: 1\n...\n",
        put("a", 2), put("b", 3),
        after="---\na: 1\n---  # second\na: 2\nb: 3\n...\n",
    ),
    example("YAML 1.1 booleans as keys and values", "on: yes\nn: 010\n", put("true", False), put("false", 9), after="on: false\nn: 9\n"),
    example(
        "tags",
        "a: !!str 1\nb: !!map\n  c: 1\nd: !!seq [1]\n",
        put("a", 1), put("b.d", 2), append("d", 2),
        after="a: 1\nb: !!map\n  c: 1\n  d: 2\nd: !!seq [1, 2]\n",
    ),
    example(
        "a value on the line below its key",
        "a:\n  one\nb:\n  # why\n  two\n",
        put("a", "x"), put("b", "z"),
        after="a:\n  x\nb:\n  # why\n  z\n",
    ),
    example(
        "an entry may refer to an anchor, if that is not what changes",
        "a: &a {x: 1}\nb:\n  c: *a\n  d: *a\n",
        remove("b.c"), put("b.e", 1),
        after="a: &a {x: 1}\nb:\n  d: *a\n  e: 1\n",
    ),
    example(
        "a merge key stays",
        "a: &a {x: 1}\nb:\n  <<: *a\n  c: 2\n",
        put("b.c", 3), put("b.z", 4),
        after="a: &a {x: 1}\nb:\n  <<: *a\n  c: 3\n  z: 4\n",
    ),
    example("an alias at the end of a list", "a:\n- &a 1\n- *a # one\n", put("b", 2), after="a:\n- &a 1\n- *a # one\nb: 2\n"),
    example("white space at the end of a block scalar", "a: |\n  x\n    \n\n", put("b", 1), after="a: |\n  x\n    \nb: 1\n\n"),
    example("a comment in a collection without entries", "a: { # one\n}\n", put("a.b", 1), after="a: {b: 1 # one\n}\n"),
    example("the last entry of several lines, and its comment", "a: [\n  x,\n  z # last\n]\n", remove("a.1"), after="a: [\n  x\n]\n"),
    example("what a merge key gives is left", "a: &a {x: 1}\nb:\n  <<: *a\n  c: 2\n", remove("b.c"), after="a: &a {x: 1}\nb:\n  <<: *a\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "after"), EXAMPLES)
def test_example(before: str, changes: Changes, after: str) -> None:
    # A list is no Kubernetes object, but the examples with one read better; below a key it is the same.
    wrapped = before.startswith("- ")
    if wrapped:
        before, after = "items:\n" + before, "items:\n" + after
        changes = [(("items", *path), change) for path, change in changes]
    assert edited(before, *changes) == after


UNSAFE: dict[str, tuple[Any, ...]] = {
    "the field is in the anchor of an alias": ("a: &a {x: 1}\nb: *a\n", put("a.x", 2)),
    "the field is behind an alias": ("a: &a {x: 1}\nb: *a\n", put("b.x", 2)),
    "the value is an alias": ("a: &a 1\nb: *a\n", put("b", 2)),
    "the value has an anchor that is used": ("a: &a 1\nb: *a\n", put("a", 2)),
    "an anchor that is used would go": ("a: {x: &a 1}\nb: *a\n", remove("a")),
    "an anchor that is used far away would go": ("a: {x: &a 1, z: 1}\nb: *a\n", remove("a.x")),
    "a key with an anchor that is used would go": ("a: {&a x: 1}\nb: *a\n", remove("a")),
    "a list item is an alias": ("a: &a {x: 1}\nb:\n- z: 1\n- *a\n", put("b.1.x", 2)),
    "a list item has an anchor that is used": ("b:\n- &a x: 1\n- z: *a\n", put("b.0.x", 2)),
    "the field comes from a merge key": ("a: &a {x: {c: 1}}\nb:\n  <<: *a\n  z: 1\n", put("b.x.c", 2)),
    "the field is overridden by a merge key": ("a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n", put("b.x", 3)),
    "a merge key would uncover another value": ("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n", remove("b.x")),
    "the key is there twice": ("a:\n  b: 1\n  b: 2\n", put("a.b", 3)),
    "the key is there twice, spelled differently": ("yes: 1\non: 2\n", put("true", 3)),
    "the parent is there twice": ("a: {b: 1}\na: {c: 1}\n", put("a.c", 3)),
    "an explicit key": ("? a\n: 1\nb: 2\n", put("b", 3)),
    "a mapping without braces in a list": ("a: [b: 1]\n", put("a.0.b", 3)),
    "a field of a list": ("a: [1]\n", put("a.b", 3)),
    "a field of a text": ("a: text\n", put("a.b", 3)),
    "an item of a mapping": ("a: {b: 1}\n", put("a.0", 3)),
    "an item of a mapping, appended": ("a: {b: 1}\n", append("a", 3)),
    "a list item that is not there": ("a: [1]\n", put("a.1", 3)),
    "one of two changes does not fit": ("a: 1\nb: 2\n", put("a", 2), put("b.c", 3)),
    "nothing would be left": ("a: {b: 1}\n", remove("a.b")),
    "a block scalar without line break at the end of the file": ("a: |\n  text", put("b", 1)),
    "an empty line would come to a block scalar that keeps it": ("a: |+\n  text\nb: 1\n\nc: 2\n", remove("b")),
    "a comment would come to a block scalar": ("a: |\n  text\nb: 1\n  # comment\nc: 1\n", remove("b")),
    "old line ends": ("a: 1\rb: 2\r", put("a", 3)),
    "line separators": ("a: 'x\u2028y'\nb: 2\n", put("b", 3)),
    "comments between what goes, within braces": ("a: {\n  b: 1,\n  # c\n  c: 2\n}\n", remove("a.b"), remove("a.c"), put("a.d", 3)),
    "a mapping of more than a megabyte": ("a: " + "x" * MAX_LENGTH + "\nb: 1\n", put("b", 2)),
    "infinity": ("a: 1\n", put("a", float("inf"))),
    "a text that YAML cannot hold": ("a: 1\n", put("a", "\ud800")),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_no_edits_rather_than_a_guess(name: str) -> None:
    text, *changes = UNSAFE[name]
    assert edits_of(text, changes) == ()


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("a: yes\n", put("a", True)),
        ("a: 0x10\n", put("a", 16)),
        ("a: {b: [1, x]}\n", put("a", {"b": [1, "x"]})),
        ("a: &a 1\nb: *a\n", put("b", 1)),
        ("a: 1\n", remove("b")),
        ("a: 1\nb:\n", remove("b.c")),
    ],
)
def test_nothing_to_do(text: str, change: tuple[Path, Change]) -> None:
    assert edits_of(text, [change]) == ()


def test_true_is_not_one() -> None:
    assert edited("a: 1\n", put("a", True)) == "a: true\n"


@pytest.mark.parametrize(
    "text", ["1:30", "0o17", "2024-01-01", "1_0", "0x1f", "1e3", ".5", "yes", "~", "null", "", " x", "x ", "a: b", "a #b", "-", "- a", "*a", "@a"]
)
def test_what_looks_like_something_else_is_quoted(text: str) -> None:
    assert edited("a: x\n", put("a", text)) == f'a: "{text}"\n'


@pytest.mark.parametrize("text", ["app:1.25", "100m", "10s", "1Gi", "--flag=$(X)", "-c", "/bin/sh", "a b", "x@sha256:0", ".hidden"])
def test_what_looks_like_nothing_else_is_not_quoted(text: str) -> None:
    assert edited("a: x\n", put("a", text)) == f"a: {text}\n"


def test_an_item_that_goes_and_comes_again_is_no_edit() -> None:
    (edit,) = edits_of("a:\n- x\n- z\nb: 1\n", [remove("a.1"), append("a", "z"), put("b", 2)])
    assert edit.new == "b: 2"


def test_changes_count_one_after_the_other() -> None:
    assert edited("a: 1\n", put("b", {"c": 1}), put("b.d", 2), remove("b.c"), append("b.e", 3), put("b.d", 4)) == "a: 1\nb:\n  d: 4\n  e:\n    - 3\n"
    assert edited("a: [p, q, r]\n", remove("a.0"), put("a.1", "Q"), remove("a.2")) == "a: [Q]\n"
    assert edited("a: 1\nb: 2\n", remove("a"), put("a", 3)) == "a: 3\nb: 2\n"


def test_the_deepest_document() -> None:
    depth = MAX_DEPTH - 5
    text = "".join(" " * level + "k:\n" for level in range(depth)) + " " * depth + "z: 1\nend: 1\n"
    deepest: Path = ("k",) * depth
    found = edits_of(text, [((*deepest, "z"), Remove(field("z"))), put("new", 1)])
    assert apply(text, found) == "end: 1\nnew: 1\n"


LIST = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  spec: {hostPID: true} # first
- apiVersion: v1
  kind: Pod
  spec:
    hostPID: true # second
- &shared
  apiVersion: v1
  kind: Pod
  spec: {hostPID: true}
- *shared
"""


def test_items_of_a_list_are_edited_each_for_itself() -> None:
    found = [resource for resource in resources(Source("list.yaml", LIST)) if isinstance(resource, Resource)]
    changes = [put("spec.hostPID", False), put("spec.hostIPC", False)]
    first, second, third, fourth = (resource.positions.edits(changes) for resource in found)
    assert third == fourth == ()
    assert apply(LIST, [*first, *second]) == LIST.replace("{hostPID: true} # first", "{hostPID: false, hostIPC: false} # first").replace(
        "    hostPID: true # second", "    hostPID: false # second\n    hostIPC: false"
    )


def test_what_another_object_gives_by_a_merge_key_is_not_taken_away() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  spec: &spec {hostIPC: false}
- apiVersion: v1
  kind: Pod
  spec: {<<: *spec, hostPID: true}
  other: {<<: *spec, alias: *spec, b: 1}
"""
    _, second = resources(Source("list.yaml", text))
    assert isinstance(second, Resource)
    found = second.positions.edits([remove("spec.hostPID"), put("other.b", {})])
    assert apply(text, found) == text.replace(", hostPID: true}", "}").replace("b: 1", "b: {}")
    assert second.positions.edits([put("other.alias", {})]) == ()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_places_count_without_the_byte_order_mark(tmp_path: FilePath, encoding: str) -> None:
    path = tmp_path / "pod.yaml"
    path.write_bytes("apiVersion: v1\nkind: Pod\nspec: {hostPID: true}\n".encode(encoding))
    (resource,) = read_manifest(str(path))
    assert isinstance(resource, Resource)
    (edit,) = resource.positions.edits([put("apiVersion", "v2")])
    assert (edit.line, edit.column, edit.old) == (1, 1, "apiVersion: v1")


# apply()


def edit_at(start: tuple[int, int], end: tuple[int, int], old: str, new: str = "") -> Edit:
    return Edit("file.yaml", *start, *end, old, new)


def test_apply_takes_edits_in_any_order_and_side_by_side() -> None:
    found = [
        edit_at((2, 2), (2, 2), "", "X"),
        edit_at((1, 1), (1, 2), "a", "A"),
        edit_at((1, 2), (2, 1), "b\n", "B"),
        edit_at((2, 1), (2, 2), "c", ""),
    ]
    assert apply("ab\nc", found) == "ABX"


@pytest.mark.parametrize(
    "found",
    [
        [edit_at((1, 1), (1, 3), "ab"), edit_at((1, 2), (1, 3), "b")],
        [edit_at((1, 2), (1, 2), "", "x"), edit_at((1, 2), (1, 2), "", "y")],
        [edit_at((1, 2), (1, 2), "", "x"), edit_at((1, 2), (1, 3), "b", "y")],
        [edit_at((1, 1), (1, 2), "b")],
        [edit_at((1, 2), (1, 1), "")],
        [edit_at((0, 1), (1, 1), "")],
        [edit_at((1, 0), (1, 1), "")],
        [edit_at((9, 1), (9, 1), "")],
        [edit_at((1, 9), (1, 9), "")],
        [edit_at((2, 1), (2, 9), "c")],
    ],
)
def test_apply_refuses(found: list[Edit]) -> None:
    with pytest.raises(ValueError, match="line"):
        apply("ab\nc", found)
