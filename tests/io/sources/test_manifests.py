"""Files to resources: what kubectl would send, from every form that it accepts; and one clear error for what it would not."""

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.io.sources.document import Source
from seawall.io.sources.limits import MAX_FILE_BYTES
from seawall.io.sources.manifests import decode, read_manifest, resources

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
CONFIG_LIST = "apiVersion: v1\n  kind: ConfigMapList\n  items: [{metadata: {name: b}}]\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"


def read(text: str) -> list[str]:
    """The resources as ``Kind name`` with the line on which their kind stands, errors as their text."""
    return [said(item) for item in resources(Source("x.yaml", text))]


def said(item: Resource | InputError) -> str:
    return str(item) if isinstance(item, InputError) else f"{item.kind} {item.name}:{item.field('kind').locate().line}"


def file(tmp_path: Path, content: str | bytes, name: str = "x.yaml") -> str:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


# Lists


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n", ["Pod a:5"]),
        ("apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- kind: Pod\n  metadata: {name: b}\n", ["Pod a:4", "Pod b:5"]),
        ("apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- kind: null\n  metadata: {name: a}\n", ["Deployment a:4"]),
        # kubectl says: Object 'Kind' is missing
        ("apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n", []),
        (
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n- "
            + CONFIG_LIST,
            ["Pod a:6", "ConfigMap b:9"],
        ),
        ("apiVersion: v1\nkind: List\nitems: []\n", []),
        ("apiVersion: v1\nkind: List\nitems: null\n", ["List :2"]),
        ("apiVersion: v1\nkind: List\nitems: [null, text, [1], {}]\n", []),
        # To kubectl whatever has items is a list; a tool that goes by the kind would create the pod.
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nitems: []\n", ["Pod a:2"]),
        ("apiVersion: x/v1\nkind: Box\nitems: [{name: n}, {apiVersion: v1, kind: Pod, metadata: {name: b}}]\n", ["Pod b:3", "Box :2"]),
        ("base: &b\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\napiVersion: v1\nkind: List\nitems: *b\n", ["Pod a:2"]),
    ],
)
def test_lists(text: str, found: list[str]) -> None:
    assert read(text) == found


def test_what_a_list_leaves_out_is_located_at_the_item() -> None:
    [pod] = resources(Source("x.yaml", "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n"))
    assert isinstance(pod, Resource)
    assert (pod.api_version, pod.kind) == ("v1", "Pod")
    assert pod.field("spec", "hostPID").locate().line == 4


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "- kind: Pod\n  apiVersion: v1\n",
        "kind: Pod\n",
        "apiVersion: v1\n",
        "apiVersion: 1\nkind: Pod\n",
        "apiVersion: v1\nkind: on\n",
        "text",
        "~",
    ],
)
def test_what_is_no_object_is_passed_over(text: str) -> None:
    assert read(text) == []


def test_the_last_of_equal_keys_counts_as_in_kubernetes() -> None:
    assert read("apiVersion: v1\nkind: Pod\nkind: ConfigMap\nmetadata: {name: a}\nmetadata: {name: b}\n") == ["ConfigMap b:3"]


# Bytes


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_and_line_ends(tmp_path: Path, bom: bytes, encoding: str, line_end: str) -> None:
    text = f"# é 😀\n{POD}spec: {{nodeName: é😀 }}\n---\n{CONFIG}".replace("\n", line_end)
    pod, config = read_manifest(file(tmp_path, bom + text.encode(encoding)))
    assert isinstance(pod, Resource)
    location = pod.field("spec", "nodeName").locate()
    assert (said(pod), said(config)) == ("Pod web:3", "ConfigMap settings:8")
    assert (location.line, location.column, location.end_column) == (5, 8, 20)
    assert pod.field("spec", "nodeName").text == "é😀"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (POD.encode() + b"# caf\xe9\n", 4, "not valid UTF-8: invalid continuation byte at byte 52"),
        (b"a: 1\n\xff\xfe\n", 2, "not valid UTF-8"),
        (codecs.BOM_UTF16_LE + "a: \u0a0a\n".encode("utf-16-le") + b"\x00\xd8", 2, "not valid UTF-16-LE"),
        (codecs.BOM_UTF16_BE + b"\x00", 1, "not valid UTF-16-BE: truncated data at byte 2"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, line: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        decode("x.yaml", data)
    assert caught.value.line == line


def test_a_bad_byte_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    """kubectl puts a replacement character and goes on; so would a pod hide behind a comment in Latin-1."""
    path = file(tmp_path, b"# caf\xe9\n" + POD.encode())
    error, pod = read_manifest(path)
    assert str(error).startswith(f"{path}:1: not valid UTF-8")
    assert said(pod) == "Pod web:3"


def test_a_control_character_costs_its_document(tmp_path: Path) -> None:
    error, config = read_manifest(file(tmp_path, f"{POD}x: a\0b\n---\n{CONFIG}"))
    assert isinstance(error, InputError)
    assert (error.line, error.message) == (4, "not valid YAML: control characters are not allowed (U+0000)")
    assert said(config) == "ConfigMap settings:7"


# Named or found


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n# nothing\n---\n", "a: 1\n", "- 1\n", "{}", "null", "kind: Pod\n"])
def test_a_named_file_has_to_have_an_object_in_it(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    assert [str(item) for item in read_manifest(path)] == [f"{path}: no Kubernetes object in it"]
    assert list(read_manifest(path, found=True)) == []


def test_one_error_is_enough(tmp_path: Path) -> None:
    [error] = read_manifest(file(tmp_path, "a: [\n"))
    assert "not valid YAML" in str(error)


@pytest.mark.parametrize(
    ("name", "text", "errors"),
    [
        ("x.yaml", "a: [\n", 1),
        ("x.json", '{"compilerOptions": { // a comment\n } }', 0),
        ("x.json", '{"apiVersion": "v1", { // a comment\n } }', 1),
        ("x.json", '{"a": "\\u0061\\', 0),
    ],
)
def test_broken_files_that_were_found(tmp_path: Path, name: str, text: str, errors: int) -> None:
    path = file(tmp_path, text, name)
    assert len(list(read_manifest(path, found=True))) == errors
    assert len(list(read_manifest(path))) == 1


def test_a_bad_byte_in_json_of_something_else_is_nobodys_business(tmp_path: Path) -> None:
    assert list(read_manifest(file(tmp_path, b'{"a": "\xff"}', "x.json"), found=True)) == []


def test_an_escape_does_not_hide_an_object(tmp_path: Path) -> None:
    text = '{"\\u0061piVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}'
    assert [said(item) for item in read_manifest(file(tmp_path, text, "x.json"), found=True)] == ["Pod web:1"]


def test_a_template_is_recognised() -> None:
    [error] = read("apiVersion: v1\nkind: {{ .Values.kind }}\n")
    assert error.startswith("x.yaml:2: ")
    assert "looks like a template: render it first" in error


def test_several_json_objects() -> None:
    objects = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}} for name in "abc"]
    assert read("".join(map(json.dumps, objects))) == ["Pod a:1", "Pod b:1", "Pod c:1"]
    assert read("\n".join(json.dumps(item, indent=1) for item in objects)) == ["Pod a:3", "Pod b:10", "Pod c:17"]
    assert read(f"{json.dumps(objects[0])}\n---\n{json.dumps(objects[1])}\n---\n{CONFIG}") == ["Pod a:1", "Pod b:3", "ConfigMap settings:6"]


# Places that cannot be read


def test_errors_of_the_file_system(tmp_path: Path) -> None:
    (tmp_path / "dir.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling.yaml").symlink_to("absent")
    said_of = {
        "absent.yaml": "no such file or directory",
        "dir.yaml": "is a directory",
        "loop.yaml": "too many levels of symbolic links",
        "dangling.yaml": "no such file or directory",
        "nul\0.yaml": "no file can have this name",
        "x" * 300: "file name too long",
    }
    for name, message in said_of.items():
        path = str(tmp_path / name)
        [error] = read_manifest(path)
        assert isinstance(error, InputError)
        assert (error.path, error.message, error.line) == (path, message, None)


def test_a_file_over_the_limit_is_not_opened_further(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as sparse:
        sparse.truncate(100 * 2**20)
    [error] = read_manifest(str(path))
    assert str(error) == f"{path}:1: 100 MiB is over the limit of {MAX_FILE_BYTES >> 20} MiB; not read"


READ = """
import sys
from seawall.io.sources.manifests import read_manifest
for path in sys.argv[1:]:
    for item in read_manifest(path):
        print(item)
"""


def read_elsewhere(stdin: Any, *paths: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", READ, *paths], stdin=stdin, capture_output=True, text=True, timeout=60)
    assert not run.stderr
    return run.stdout.splitlines()


def test_standard_input_and_pipes(tmp_path: Path) -> None:
    """``kubectl get ... | seawall scan -`` and ``seawall scan <(kubectl get ...)``."""
    with open(file(tmp_path, POD)) as stdin:
        assert read_elsewhere(stdin, "-") == ["<v1 Pod /web in ->"]
    reading, writing = os.pipe()
    os.write(writing, CONFIG.encode())
    os.close(writing)
    with open(reading) as stdin:
        assert read_elsewhere(stdin, "/dev/stdin") == ["<v1 ConfigMap /settings in /dev/stdin>"]


def test_endless_input_ends_at_the_limit() -> None:
    with open("/dev/zero") as stdin:
        assert read_elsewhere(stdin, "-", "/dev/zero") == [f"{name}:1: it is over the limit of 64 MiB; not read" for name in ("-", "/dev/zero")]
