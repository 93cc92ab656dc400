"""The page with the map: everything is on it, nothing is loaded or run that is not ours, and a browser draws it."""

import hashlib
import json
import re
import shutil
import subprocess
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from seawall.deploy.network.connections import Connection, connections
from seawall.deploy.network.html_graph import MAX_ROWS, html
from seawall.deploy.network.model import PortRange, Protocol
from seawall.deploy.network.reach import reach
from seawall.deploy.network.selecting import selecting
from tests.deploy.network.objects import documents, loaded
from tests.deploy.network.test_proof import SHOP

ANY = (PortRange(Protocol.TCP, 1, 65535),)
EVIL = 'a/</script><script>alert(1)</script>"\u2028\u202e[Deployment]'


class Page(HTMLParser):
    """The elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.inside.append((self.elements[-1][0], data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shop() -> str:
    cluster = loaded(documents(SHOP)).cluster
    return "".join(html(connections(cluster, reach(cluster)), selecting(cluster)))


def data(text: str) -> Any:
    found = re.search(r'<script id="graph" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_everything_is_on_the_page() -> None:
    cluster = loaded(documents(SHOP)).cluster
    given = list(connections(cluster, reach(cluster)))
    graph = data(shop())
    names = [node["name"] for node in graph["nodes"]]
    assert {(names[src], names[dst]) for src, dst, _ in graph["edges"]} == {(item.src, item.dst) for item in given}
    by_name = {node["name"]: node["policies"] for node in graph["nodes"]}
    assert by_name["db/db[StatefulSet]"] == ["NetworkPolicy db/db (ingress and egress)"]
    assert by_name["shop/web[Deployment]"] == []
    assert by_name["0.0.0.0-255.255.255.255"] is None
    nodes = [attributes for attributes in Page(shop()).named("g") if "node" in (attributes.get("class") or "").split()]
    assert len(nodes) == len(names)
    assert sum("bare" in (attributes["class"] or "") for attributes in nodes) == 1


def test_boxes_do_not_overlap() -> None:
    found = [Connection(f"ns-{one}/w{number}[Pod]", "ns-0/w0[Pod]", ANY) for one in range(9) for number in range(1, 3 + one * 3)]
    boxes = [node["box"] for node in data("".join(html(found)))["nodes"]]
    for place, (x, y, width, height) in enumerate(boxes):
        for left, top, wide, high in boxes[:place]:
            assert x >= left + wide or left >= x + width or y >= top + high or top >= y + height


def test_the_policy_names_all_that_runs_and_nothing_is_loaded() -> None:
    text = shop()
    page = Page(text)
    policy = next(attributes["content"] or "" for attributes in page.named("meta") if attributes.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert style is not None
    assert script is not None
    for kind, body in (("style", style[1]), ("script", script[1])):
        assert f"{kind}-src 'sha256-{b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" in policy
    for _, attributes in page.elements:
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)


def test_hostile_names_stay_text() -> None:
    text = "".join(html([Connection(EVIL, "a/b[Pod]", ANY)], {EVIL: ["</script><img src=x onerror=alert(1)>"]}))
    page = Page(text)
    assert len(page.named("script")) == 2
    assert not page.named("img")
    assert not any(character in text for character in "\u2028\u202e")
    assert "</script>" in data(text)["nodes"][0]["name"]


def test_nothing_to_show() -> None:
    assert data("".join(html([]))) == {"nodes": [], "ports": [], "edges": [], "few": 250}


def test_a_long_table_is_cut_and_says_so() -> None:
    found = [Connection(f"a/w{number}[Pod]", f"a/w{number // 80}[Pod]", ANY) for number in range(MAX_ROWS + 7)]
    text = "".join(html(found))
    assert text.count("<tr>") == MAX_ROWS + 1
    assert "7 more are left out" in text


def test_a_browser_runs_it(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser here")
    page = tmp_path / "page.html"
    page.write_text(shop())
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--enable-logging=stderr", "--dump-dom"]
    run = subprocess.run([*command, f"{page.as_uri()}#2"], capture_output=True, text=True, timeout=120, check=False)
    if run.returncode != 0:
        pytest.skip(f"the browser does not start here: {run.stderr[-200:]}")
    assert "CONSOLE" not in run.stderr
    graph = data(shop())
    chosen = [number for number, edge in enumerate(graph["edges"]) if 2 in edge[:2]]
    assert run.stdout.count('class="edge ') == len(chosen)
    assert f"<h2>{graph['nodes'][2]['name']}</h2>" in run.stdout
