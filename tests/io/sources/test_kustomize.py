"""Kustomizations, built by the real kubectl or kustomize: what is built, where it comes from, and what is refused."""

import os
import pickle
import shutil
import socket
from pathlib import Path

import pytest

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.io.sources.discovery import discover
from seawall.io.sources.kustomization import is_kustomization
from seawall.io.sources.kustomize import render_kustomization
from seawall.io.sources.rendering import Rendered, resources_of

DEPLOYMENT = """\
# the web
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1 # a start
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: registry.example/app:1
          ports:
            - containerPort: 80
        - name: side
          image: registry.example/side:1
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
BASE = "resources: [web.yaml]\nconfigMapGenerator:\n  - name: settings\n    literals: [a=b]\n"
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      hostPID: true
      containers:
        - name: side
          securityContext: {privileged: true}
"""
OVERLAY = """\
resources: [../base]
components: [../component]
namePrefix: prod-
namespace: shop
labels:
  - pairs: {team: shop}
images:
  - name: registry.example/side
    newTag: "2"
patches:
  - path: patch.yaml
  - target: {kind: Deployment, name: web}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 5
      - op: add
        path: /spec/template/spec/securityContext
        value:
          runAsUser: 0
"""
NETWORK = "is on the network"
COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: |
      apiVersion: v1
      kind: Service
      metadata: {name: web}
      spec:
        type: NodePort
"""
SHOP = {
    "base/kustomization.yaml": BASE, "base/web.yaml": DEPLOYMENT, "component/kustomization.yaml": COMPONENT,
    "prod/kustomization.yaml": OVERLAY, "prod/patch.yaml": PATCH,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _kustomize() -> None:
    if not (shutil.which(os.environ.get("SEAWALL_KUSTOMIZE", "kustomize")) or shutil.which("kubectl")):
        pytest.skip("needs kustomize or kubectl on the PATH")


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return directory


def objects(rendered: Rendered) -> dict[str, Resource]:
    found = list(resources_of(rendered))
    assert all(isinstance(item, Resource) for item in found), found
    return {item.kind: item for item in found if isinstance(item, Resource)}


def where(resource: Resource, *path: str | int) -> str:
    """``file: text of the line there``, or the file alone."""
    origin = resource.field(*path).locate().origin
    assert origin is not None
    assert origin.tool == "kustomize"
    if origin.line is None:
        return os.path.basename(origin.path)
    return f"{os.path.basename(origin.path)}: {Path(origin.path).read_text().splitlines()[origin.line - 1].strip()}"


def test_fields_are_found_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, SHOP)
    monkeypatch.chdir(tmp_path)
    rendered = render_kustomization("prod")
    found = objects(rendered)
    web, service, settings = found["Deployment"], found["Service"], found["ConfigMap"]
    assert web.name == "prod-web"
    assert web.origin is not None
    assert web.origin.path == "base/web.yaml"
    containers = ("spec", "template", "spec", "containers")
    app, side = sorted((0, 1), key=lambda index: web.field(*containers, index, "name").text)  # a merge may change their order
    assert where(web) == "web.yaml: apiVersion: apps/v1"
    assert where(web, "kind") == "web.yaml: kind: Deployment"
    assert where(web, "metadata", "name") == "web.yaml: name: web"
    assert where(web, "metadata", "namespace") == "kustomization.yaml: namespace: shop"
    assert where(web, "metadata", "labels", "team") == "kustomization.yaml: - pairs: {team: shop}"
    assert where(web, "spec", "replicas") == "kustomization.yaml: value: 5"
    assert where(web, "spec", "template", "spec", "hostPID") == "patch.yaml: hostPID: true"
    assert where(web, "spec", "template", "spec", "hostIPC") == "web.yaml: spec:"
    assert where(web, *containers, app) == "web.yaml: - name: app"
    assert where(web, *containers, app, "image") == "web.yaml: image: registry.example/app:1"
    assert where(web, *containers, app, "ports", 0, "containerPort") == "web.yaml: - containerPort: 80"
    assert where(web, "spec", "template", "spec", "securityContext", "runAsUser") == "kustomization.yaml: runAsUser: 0"
    assert where(web, *containers, side, "image") == 'kustomization.yaml: newTag: "2"'
    assert where(web, *containers, side, "securityContext", "privileged") == "patch.yaml: securityContext: {privileged: true}"
    assert where(web, *containers, side, "resources") == "web.yaml: - name: side"
    assert where(service, "spec", "type") == "kustomization.yaml: type: NodePort"
    assert service.field("spec", "type").locate().origin != web.field("spec", "replicas").locate().origin
    assert where(settings, "data", "a") == "kustomization.yaml: - name: settings"
    for resource in found.values():
        location = resource.field("kind").locate()
        assert location.path == "prod"
        assert rendered.text.split("\n")[location.line - 1] == f"kind: {resource.kind}"
    assert "config.kubernetes.io/origin" not in rendered.text
    assert "---\n# Source: base/web.yaml\napiVersion: apps/v1\n" in rendered.text
    copy: Rendered = pickle.loads(pickle.dumps(rendered.origins))
    assert copy.of_field(1, web.data, ("spec", "replicas")) == rendered.origins.of_field(1, web.data, ("spec", "replicas"))  # type: ignore[attr-defined]


def test_a_value_that_two_files_say_is_not_guessed_away(tmp_path: Path) -> None:
    """The patch is for another object, which only Kustomize can tell; the value stands in the base, too."""
    files = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": DEPLOYMENT,
        "over/kustomization.yaml": "resources: [../base]\npatches:\n  - target: {labelSelector: no=such}\n    path: p.yaml\n",
        "over/p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: 1, paused: true}\n",
    }
    write(tmp_path, files)
    web = objects(render_kustomization(str(tmp_path / "over")))["Deployment"]
    assert where(web, "spec", "replicas") == "web.yaml: replicas: 1 # a start"
    assert where(web, "spec", "paused") == "web.yaml: spec:"


def test_edits_need_the_very_text(tmp_path: Path) -> None:
    from seawall.core.fix import Set

    files = {
        "kustomization.yaml": "resources: [pod.yaml]\n",
        "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  hostIPC: true # why\n  hostPID: true\n",
    }
    write(tmp_path, files)
    pod = objects(render_kustomization(str(tmp_path)))["Pod"]
    pid, ipc = pod.field("spec", "hostPID"), pod.field("spec", "hostIPC")
    (edit,) = pod.positions.edits([(pid.path, Set(pid, False))])
    assert (os.path.basename(edit.path), edit.line) == ("pod.yaml", 7)
    assert pod.positions.edits([(ipc.path, Set(ipc, False))]) == ()


@pytest.mark.parametrize(
    ("files", "file", "said"),
    [
        ({"a/kustomization.yaml": "resources: ['https://git.example/x.yaml']\n"}, "a/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "bases: ['github.com/a/b//deploy?ref=v1']\n"}, "a/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "components: ['git@git.example:a/b']\n"}, "a/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "bases: [../b]\n", "b/kustomization.yaml": "bases: ['ssh://a.example/a']\n"}, "b/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "patches: [{path: 'http://127.0.0.1:1/p.yaml'}]\n"}, "a/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "configMapGenerator: [{name: a, files: ['k=http://127.0.0.1:1/p']}]\n"}, "a/kustomization.yaml", NETWORK),
        ({"a/kustomization.yaml": "resources: [absent.yaml]\n"}, "a", "absent.yaml"),
        ({"a/kustomization.yaml": "resources: [\n"}, "a", "did not find expected node content"),
        ({"a/kustomization.yaml": "resurces: []\n"}, "a", "resurces"),
        ({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}, "a", "cycle detected"),
        ({"a/kustomization.yaml": "resources: [../b.yaml]\n", "b.yaml": DEPLOYMENT}, "", "is not in or below"),
        ({"a/kustomization.yaml": "resources: [b.yaml]\n", "a/b.yaml": "a: [\n"}, "a", "b.yaml"),
        ({"a/kustomization.yaml": "helmCharts: [{name: a, repo: 'https://charts.example'}]\n"}, "a", "enable-helm"),
        ({"a/b.yaml": ""}, "a", "is no kustomization"),
    ],
)  # fmt: skip
def test_what_does_not_build(tmp_path: Path, files: dict[str, str], file: str, said: str) -> None:
    write(tmp_path, files)
    with pytest.raises(InputError) as raised:
        render_kustomization(str(tmp_path / "a"))
    assert said in raised.value.message
    assert "\n" not in raised.value.message
    if file:
        assert raised.value.path == str(tmp_path / file)


def test_the_line_of_a_base_on_the_network(tmp_path: Path) -> None:
    write(tmp_path, {"kustomization.yaml": "resources:\n  - a.yaml\n  - https://git.example/x.yaml\n"})
    with pytest.raises(InputError) as raised:
        render_kustomization(str(tmp_path))
    assert raised.value.line == 3


def test_no_program_runs_and_nobody_is_called(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    plugin = "apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n"
    files = {"kustomization.yaml": "generators: [plugin.yaml]\n", "plugin.yaml": plugin, "run.sh": f"#!/bin/sh\ntouch {mark}\n"}
    write(tmp_path / "a", files)
    (tmp_path / "a/run.sh").chmod(0o755)
    with pytest.raises(InputError):
        render_kustomization(str(tmp_path / "a"))
    assert not mark.exists()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        write(tmp_path / "b", {"kustomization.yaml": f"resources: ['{address}/x.yaml', '{address}/repo.git']\n"})
        with pytest.raises(InputError):
            render_kustomization(str(tmp_path / "b"))
        with pytest.raises(BlockingIOError):
            server.accept()


def test_hostile_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = '--output=it\'s "a" #x'
    write(tmp_path, {f"{name}/kustomization.yaml": "resources: [web.yaml]\n", f"{name}/web.yaml": DEPLOYMENT})
    monkeypatch.chdir(tmp_path)
    web = objects(render_kustomization(name))["Deployment"]
    assert web.path == name
    assert web.origin is not None
    assert web.origin.path == f"{name}/web.yaml"


def test_windows_line_ends(tmp_path: Path) -> None:
    write(tmp_path, {"kustomization.yaml": "resources: [web.yaml]\r\n", "web.yaml": DEPLOYMENT.replace("\n", "\r\n")})
    web = objects(render_kustomization(str(tmp_path)))["Deployment"]
    assert where(web, "spec", "replicas") == "web.yaml: replicas: 1 # a start"


def test_an_absent_program_is_said_to_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"kustomization.yaml": "resources: []\n"})
    monkeypatch.delenv("SEAWALL_KUSTOMIZE", raising=False)
    monkeypatch.setenv("PATH", "/no/such/directory")
    with pytest.raises(InputError, match=r"kustomize or kubectl is not on the PATH; install kubectl"):
        render_kustomization(str(tmp_path))


def test_discovery(tmp_path: Path) -> None:
    chart = {"Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "values.yaml": "", "templates/a.yaml": "", "ci/b-values.yaml": ""}
    files = {
        **SHOP,
        **{f"charts/a/{name}": text for name, text in chart.items()},
        **{f"charts/a/charts/b/{name}": text for name, text in chart.items()},
        **{f"charts/lib/{name}": text for name, text in (chart | {"Chart.yaml": chart["Chart.yaml"] + "type: library\n"}).items()},
        "charts/a/templates/kustomization.yaml": "resources: [a.yaml]\n",
        "circle/a/kustomization.yaml": "resources: [../b]\n",
        "circle/b/kustomization.yaml": "resources: [../a]\n",
        "alone/kustomization.yaml": COMPONENT + "  - path: patch.yaml\nresources: [web.yaml]\n",
        "alone/patch.yaml": PATCH,
        "alone/web.yaml": DEPLOYMENT,
        "plain/web.yaml": DEPLOYMENT,
        "base/other.yaml": DEPLOYMENT,
        ".gitignore": "ignored/\n",
        "ignored/kustomization.yaml": "resources: []\n",
    }
    write(tmp_path, files)
    found = discover(str(tmp_path))
    assert found.charts == (str(tmp_path / "charts/a"),)
    assert found.kustomizations == (str(tmp_path / "circle/a"), str(tmp_path / "prod"))
    plain = {name for name in files if name.endswith((".yaml", ".yml")) and not found.covers(str(tmp_path / name))}
    assert plain == {"alone/web.yaml", "plain/web.yaml", "base/other.yaml", "ignored/kustomization.yaml"}


def test_what_is_a_kustomization(tmp_path: Path) -> None:
    for name in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
        assert is_kustomization(str(write(tmp_path / name, {name: "resources: []\n"})))
    assert not is_kustomization(str(tmp_path))
