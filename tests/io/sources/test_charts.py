"""Charts, rendered by the real Helm: what is rendered, where it comes from, and what is refused."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from seawall.core.errors import InputError
from seawall.core.fix import Append, Set
from seawall.core.resource import Resource
from seawall.io.sources import rendering
from seawall.io.sources.charts import is_chart, render_chart
from seawall.io.sources.rendering import Rendered, resources_of

GOAT = Path(__file__).parents[4] / "shared/data/corpus/kubernetes-goat"

DESCRIPTION = "apiVersion: v2\nname: web\nversion: 0.1.0\n"

DEPLOYMENT = """\
{{- $name := printf "%s-web" .Release.Name -}}
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostPID: true
      containers:
        {{- range .Values.containers }}
        - name: {{ .name }}
          image: "{{ .image }}:{{ .tag | default "latest" }}"
          securityContext:
            privileged: true
          {{- with .env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
        {{- end }}
      {{- /* a comment
             of two lines */}}
      {{- if eq .Values.mode "a" }}
      dnsPolicy: Default
      {{- else }}
      dnsPolicy: None
      {{- end }}
{{- end }}
"""
HELPERS = '{{- define "web.labels" -}}\napp: web\npart-of: {{ .Chart.Name }}\n{{- end }}\n'
BROKEN_HELPER = '{{ define "x" }}\n{{ .Values.no.such }}{{ end }}'
DEPENDENCY = "dependencies:\n  - {name: redis, version: 1.0.0, repository: 'https://charts.example'}\n"
VALUES = """\
enabled: true
replicas: 2
mode: b
containers:
  - {name: app, image: registry.example/app, tag: "1", env: [{name: A, value: b}]}
  - {name: side, image: registry.example/side}
"""


@pytest.fixture(autouse=True)
def _helm() -> None:
    if not shutil.which(os.environ.get("SEAWALL_HELM", "helm")):
        pytest.skip("needs helm on the PATH, or SEAWALL_HELM")


def write(directory: Path, **files: str) -> Path:
    """A chart. ``/`` and ``.`` are in the names, so they come as a mapping."""
    for name, text in {"Chart.yaml": DESCRIPTION, "values.yaml": VALUES, "templates/_helpers.tpl": HELPERS, **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return directory


def objects(rendered: Rendered) -> list[Resource]:
    found = list(resources_of(rendered))
    assert all(isinstance(item, Resource) for item in found), found
    return [item for item in found if isinstance(item, Resource)]


def lines(resource: Resource, *path: str | int) -> tuple[int, int | None]:
    """The rendered line and the line of the origin."""
    location = resource.field(*path).locate()
    return location.line, location.origin.line if location.origin else None


def test_lines_of_a_template(tmp_path: Path) -> None:
    chart = write(tmp_path / "dir", **{"templates/deploy.yaml": DEPLOYMENT})
    rendered = render_chart(str(chart))
    (deployment,) = objects(rendered)
    assert deployment.name == "release-web"
    assert deployment.path == str(chart)
    assert deployment.origin is not None
    assert (deployment.origin.tool, deployment.origin.path) == ("helm", str(chart / "templates/deploy.yaml"))
    text = rendered.text.split("\n")
    written = DEPLOYMENT.split("\n")
    spec = ("spec", "template", "spec")
    expected = {
        ("apiVersion",): "apiVersion: apps/v1",
        ("metadata", "name"): "  name: {{ $name }}",
        ("metadata", "labels", "part-of"): '    {{- include "web.labels" . | nindent 4 }}',
        ("spec", "replicas"): "  replicas: {{ .Values.replicas }}",
        (*spec, "hostPID"): "      hostPID: true",
        (*spec, "containers", 0, "image"): '          image: "{{ .image }}:{{ .tag | default "latest" }}"',
        (*spec, "containers", 1, "name"): "        - name: {{ .name }}",
        (*spec, "containers", 1, "securityContext", "privileged"): "            privileged: true",
        (*spec, "containers", 0, "env", 0, "value"): "            {{- toYaml . | nindent 12 }}",
        (*spec, "dnsPolicy"): "      dnsPolicy: None",
    }
    for path, origin in expected.items():
        line, number = lines(deployment, *path)
        assert number is not None, path
        assert written[number - 1] == origin
        assert str(path[-1]) in text[line - 1]


def test_every_traced_plain_line_is_the_line_that_it_is_said_to_be(tmp_path: Path) -> None:
    chart = write(tmp_path, **{"templates/deploy.yaml": DEPLOYMENT, "templates/more.yaml": DEPLOYMENT.replace("-web", "-more")})
    rendered = render_chart(str(chart))
    traced = 0
    for number, text in enumerate(rendered.text.split("\n"), 1):
        place = rendered.origins.of_line(number)
        if place is not None and place.text is not None and "{{" not in place.text:
            assert place.text.rstrip() == text.rstrip()
            traced += 1
    assert traced > 20


def test_ambiguity_is_not_guessed_away(tmp_path: Path) -> None:
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n"
        "  {{- toYaml .Values.one | nindent 2 }}\n  {{- toYaml .Values.two | nindent 2 }}\n"
    )
    chart = write(tmp_path, **{"templates/c.yaml": template, "values.yaml": "one: {a: b}\ntwo: {c: d}\n"})
    (config,) = objects(render_chart(str(chart)))
    assert lines(config, "data", "a")[1] is None
    assert lines(config, "data")[1] == 5


def test_documents_of_one_template(tmp_path: Path) -> None:
    """Helm sorts by kind, loops repeat documents, and two that look alike are told apart by their order."""
    template = (
        'apiVersion: v1\nkind: Service\nmetadata: {name: z}\n---\n{{- range tuple "a" "b" }}\n---\n'
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ . }}\n"
        "{{- end }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.one }}}\n---\napiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: {{ .Values.two }}}\n"
    )
    chart = write(tmp_path, **{"templates/all.yaml": template, "values.yaml": "one: c\ntwo: d\n"})
    found = {resource.name: lines(resource, "kind")[1] for resource in objects(render_chart(str(chart)))}
    assert found == {"z": 2, "a": 8, "b": 8, "c": 14, "d": 18}


def test_windows_line_ends(tmp_path: Path) -> None:
    chart = write(tmp_path, **{"templates/deploy.yaml": DEPLOYMENT.replace("\n", "\r\n")})
    (deployment,) = objects(render_chart(str(chart)))
    assert lines(deployment, "spec", "template", "spec", "hostPID")[1] == DEPLOYMENT.split("\n").index("      hostPID: true") + 1


def test_subcharts_crds_hooks_and_tests(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {}\n  annotations:\n    helm.sh/hook: {}\n"
    chart = write(
        tmp_path,
        **{
            "Chart.yaml": DESCRIPTION + "dependencies:\n  - {name: cache, alias: store, version: 1.0.0}\n",
            "charts/folder/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.0.0\n",
            "charts/folder/templates/s.yaml": "# first\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
            "crds/c.yaml": "apiVersion: a/v1\nkind: CustomResourceDefinition\nmetadata: {name: one}\n---\n"
            "apiVersion: a/v1\nkind: CustomResourceDefinition\nmetadata: {name: '{{two}}'}\n",
            "templates/hook.yaml": pod.format("hook", "pre-install"),
            "templates/test.yaml": pod.format("test", "test"),
        },
    )
    found = {resource.name: resource.field("metadata").locate().origin for resource in objects(render_chart(str(chart)))}
    assert found.keys() == {"s", "one", "{{two}}", "hook"}
    assert {name: (os.path.relpath(origin.path, chart), origin.line) for name, origin in found.items() if origin} == {
        "s": ("charts/folder/templates/s.yaml", 4),
        "one": ("crds/c.yaml", 3),
        "{{two}}": ("crds/c.yaml", 7),
        "hook": ("templates/hook.yaml", 3),
    }


def test_values_and_settings(tmp_path: Path) -> None:
    chart = write(tmp_path / "chart", **{"templates/deploy.yaml": DEPLOYMENT})
    values = tmp_path / 'a,b "c".yaml'  # Helm reads the option as CSV
    values.write_text("replicas: 7\nmode: a\n")
    (deployment,) = objects(render_chart(str(chart), values=[str(values)], settings=["replicas=9"], name="shop", namespace="store"))
    assert deployment.field("spec", "replicas").value == 9
    assert deployment.field("spec", "template", "spec", "dnsPolicy").value == "Default"
    assert deployment.name == "shop-web"


def test_the_version_of_kubernetes_does_not_depend_on_how_helm_was_built(tmp_path: Path) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {version: {{ .Capabilities.KubeVersion.Version }}}\n"
    chart = write(tmp_path, **{"Chart.yaml": DESCRIPTION + 'kubeVersion: ">=1.30"\n', "templates/c.yaml": template})
    (config,) = objects(render_chart(str(chart)))
    assert config.field("data", "version").value == "v1.34.0"
    (config,) = objects(render_chart(str(chart), kubernetes_version="v1.31"))
    assert config.field("data", "version").value == "v1.31.0"


@pytest.mark.parametrize(
    ("files", "file", "line", "said"),
    [
        ({"templates/a.yaml": "a:\n  b: {{ .Values.no.such }}\n"}, "templates/a.yaml", 2, "nil pointer"),
        ({"templates/a.yaml": "\n\n{{ fail `no way` }}\n"}, "templates/a.yaml", 3, "no way"),
        ({"templates/a.yaml": "{{ if }}\n"}, "templates/a.yaml", 1, "missing value"),
        ({"templates/a.yaml": "{{ .Values.x\n"}, "templates/a.yaml", 2, "unclosed action"),
        ({"templates/a.yaml": "a: b: c\n"}, "templates/a.yaml", None, "mapping values are not allowed"),
        ({"templates/_helpers.tpl": BROKEN_HELPER, "templates/a.yaml": 'a: {{ include "x" . }}'}, "templates/_helpers.tpl", 2, "nil pointer"),
        ({"values.yaml": "a: [\n"}, "values.yaml", 1, "values.yaml"),
        ({"Chart.yaml": DESCRIPTION + DEPENDENCY}, "Chart.yaml", 4, "redis is missing in charts/"),
        ({"Chart.yaml": "name: [\n"}, "", None, "Chart.yaml"),
        ({"Chart.yaml": DESCRIPTION + "type: library\n"}, "", None, "library"),
    ],
)  # fmt: skip
def test_what_does_not_render(tmp_path: Path, files: dict[str, str], file: str, line: int | None, said: str) -> None:
    chart = write(tmp_path, **files)
    with pytest.raises(InputError) as raised:
        render_chart(str(chart))
    assert os.path.normpath(raised.value.path) == os.path.normpath(tmp_path / file)
    assert said in raised.value.message
    assert raised.value.line == line
    assert "\n" not in raised.value.message


def test_neither_options_nor_addresses_get_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "--post-renderer=x", **{"templates/deploy.yaml": DEPLOYMENT})
    monkeypatch.chdir(tmp_path)
    (deployment,) = objects(render_chart("--post-renderer=x", name="x"))
    assert deployment.origin is not None
    assert deployment.origin.path == "--post-renderer=x/templates/deploy.yaml"
    for values in ("https://values.example/x.yaml", "-", "absent.yaml"):
        with pytest.raises(InputError, match="no such values file"):
            render_chart("--post-renderer=x", values=[values])
    with pytest.raises(InputError, match="invalid release name"):
        render_chart("--post-renderer=x", name="--debug")


def test_nothing_is_called_and_nothing_of_the_environment_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema of values may name an address, a kubeconfig a cluster: a listener on the loopback hears of neither."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(
            f"apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{{name: x, context: {{cluster: x}}}}]\n"
            f"clusters: [{{name: x, cluster: {{server: '{address}'}}}}]\n"
        )
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
        monkeypatch.setenv("SECRET", "seen")
        lookup = (
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: {{ .Release.Namespace }}}\n'
            'data: {found: {{ lookup "v1" "Node" "" "" | toJson | quote }}, host: {{ getHostByName "localhost" | quote }}}\n'
        )  # fmt: skip
        chart = write(tmp_path / "chart", **{"values.schema.json": f'{{"$ref": "{address}/schema"}}', "templates/c.yaml": lookup})
        (config,) = objects(render_chart(str(chart)))
        with pytest.raises(BlockingIOError):  # nobody waits to be served
            server.accept()
    assert config.namespace == "default"
    assert config.field("data").value == {"found": "{}", "host": ""}


def test_time_and_output_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "{{ range $i := until 3000 }}{{ range $j := until 3000 }}{{ range until 3000 }}{{ end }}{{ end }}{{ end }}"
    chart = write(tmp_path / "slow", **{"templates/c.yaml": endless})
    monkeypatch.setattr(rendering, "MAX_SECONDS", 1)
    with pytest.raises(InputError, match="within 1 seconds"):
        render_chart(str(chart))
    monkeypatch.setattr(rendering, "MAX_SECONDS", 60)
    monkeypatch.setattr(rendering, "MAX_OUTPUT_BYTES", 100_000)
    chart = write(tmp_path / "large", **{"templates/c.yaml": "apiVersion: v1\nkind: X\ndata: {{ repeat 200000 `x` }}\n"})
    with pytest.raises(InputError, match="renders to more than"):
        render_chart(str(chart))


def test_an_absent_program_is_said_to_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chart = write(tmp_path)
    monkeypatch.setenv("SEAWALL_HELM", "/no/such/helm")
    with pytest.raises(InputError, match=r"SEAWALL_HELM=/no/such/helm is no program; install Helm \(https://helm.sh"):
        render_chart(str(chart))
    monkeypatch.delenv("SEAWALL_HELM")
    monkeypatch.setenv("PATH", "/no/such/directory")
    with pytest.raises(InputError, match=r"helm is not on the PATH; .*go install helm.sh/helm/v3/cmd/helm@latest"):
        render_chart(str(chart))


def test_edits_are_edits_of_the_template_and_only_where_it_is_plain_text(tmp_path: Path) -> None:
    chart = write(tmp_path, **{"templates/deploy.yaml": DEPLOYMENT})
    (deployment,) = objects(render_chart(str(chart)))
    pid = deployment.field("spec", "template", "spec", "hostPID")
    (edit,) = deployment.positions.edits([(pid.path, Set(pid, False))])
    assert (edit.path, edit.line) == (str(chart / "templates/deploy.yaml"), DEPLOYMENT.split("\n").index("      hostPID: true") + 1)
    written = DEPLOYMENT.split("\n")[edit.line - 1]
    assert written[: edit.column - 1] + edit.new + written[edit.end_column - 1 :] == "      hostPID: false"
    image = deployment.field("spec", "template", "spec", "containers", 0, "image")
    assert deployment.positions.edits([(image.path, Set(image, "registry.example/app@sha256:0"))]) == ()
    env = deployment.field("spec", "template", "spec", "containers", 0, "env")
    assert deployment.positions.edits([(env.path, Append(env, {"name": "C"}))]) == ()


def test_the_goat(tmp_path: Path) -> None:
    if not GOAT.is_dir():
        pytest.skip("the corpus is not here")
    (role, binding) = objects(render_chart(str(GOAT / "infrastructure/helm-tiller/pwnchart")))
    assert (role.kind, binding.kind) == ("ClusterRole", "ClusterRoleBinding")
    chart = tmp_path / "metadata-db"
    shutil.copytree(GOAT / "scenarios/metadata-db", chart)
    chart.chmod(0o755)
    (chart / "templates").chmod(0o755)
    helpers = chart / "templates/_helpers.tpl"
    if not helpers.exists():  # the corpus lacks it, and says so when rendered
        with pytest.raises(InputError, match=r"no template .metadata-db.fullname. associated"):
            render_chart(str(chart))
        helpers.write_text("".join(f'{{{{ define "metadata-db.{part}" }}}}metadata-db{{{{ end }}}}\n' for part in ("name", "fullname", "chart")))
    found = {resource.kind: resource for resource in objects(render_chart(str(chart)))}
    assert found.keys() == {"Service", "Deployment"}
    container = ("spec", "template", "spec", "containers", 0)
    template = (chart / "templates/deployment.yaml").read_text().split("\n")
    for path, text in {(*container, "image"): "image:", (*container, "resources", "limits"): "toYaml .Values.resources"}.items():
        number = lines(found["Deployment"], *path)[1]
        assert number is not None
        assert text in template[number - 1]


def test_what_is_a_chart(tmp_path: Path) -> None:
    assert is_chart(str(write(tmp_path / "a", **{"templates/x.yaml": ""})))
    (tmp_path / "b").mkdir()
    (tmp_path / "b/Chart.yaml").write_text(DESCRIPTION)
    assert not is_chart(str(tmp_path / "b"))
    with pytest.raises(InputError, match="is no chart"):
        render_chart(str(tmp_path))
