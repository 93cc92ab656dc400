"""Images from end to end: archives made here, read by the commands as a user would run them."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.app.cli.main import _run
from seawall.app.inputs import LOCKFILES
from seawall.build.advisories.build import build_database
from seawall.build.image.selection import all_cataloguers

STATUS = """Package: libssl3
Status: install ok installed
Source: openssl
Version: 3.0.11-1~deb12u1
Architecture: amd64
Description: TLS

Package: zlib1g
Status: install ok installed
Source: zlib
Version: 1:1.2.13.dfsg-1
Architecture: amd64
Description: compression

"""
CHANGELOG = """openssl (3.0.11-1~deb12u1) bookworm; urgency=medium

  * Fix CVE-2026-1002: out of bounds read.

 -- Somebody <a@example.org>  Mon, 23 Oct 2023 17:52:22 +0000
"""


FLASK = b"""Metadata-Version: 2.1
Name: Flask
Version: 2.3.1
License-Expression: BSD-3-Clause
"""


def osv(id_: str, ecosystem: str, name: str, fixed: str, cve: str) -> dict[str, Any]:
    return {
        "id": id_,
        "modified": "2026-01-02T00:00:00Z",
        "aliases": [cve],
        "summary": f"a hole in {name}",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}
        ],
    }


RECORDS = [
    osv("DSA-1", "Debian:12", "openssl", "3.0.11-1~deb12u2", "CVE-2026-1001"),
    osv("DSA-2", "Debian:12", "openssl", "3.0.11-1~deb12u9", "CVE-2026-1002"),  # proved fixed by the changelog
    osv("DSA-3", "Debian:11", "zlib", "99", "CVE-2026-1003"),  # another release
    osv("PYSEC-1", "PyPI", "flask", "2.3.2", "CVE-2026-1004"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("feeds")
    for record in RECORDS:
        (directory / f"{record['id']}.json").write_text(json.dumps(record))
    output = str(tmp_path_factory.mktemp("db") / "advisories.db")
    build_database([str(directory)], output)
    return output


def layer(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def archive(path: Path, layers: list[dict[str, bytes]], history: list[dict[str, Any]], created: str = "2026-01-02T03:04:05Z") -> str:
    """A file as ``docker save`` writes it."""
    blobs = [layer(files) for files in layers]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": created,
            "config": {},
            "history": history,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(blob).hexdigest() for blob in blobs]},
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest()
    names = [f"{place}/layer.tar" for place in range(len(blobs))]
    manifest = [{"Config": f"{name}.json", "RepoTags": ["shop/web:1"], "Layers": names}]
    members = {f"{name}.json": config, "manifest.json": json.dumps(manifest).encode(), **dict(zip(names, blobs, strict=True))}
    path.write_bytes(layer(members))
    return f"archive:{path}"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    base = {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n',
        "var/lib/dpkg/status": STATUS.encode(),
        "usr/share/doc/libssl3/changelog.Debian.gz": gzip.compress(CHANGELOG.encode()),
        "opt/big": b"x" * 5000,
        "srv/.env": b"DB_PASSWORD=hunter2hunter2\n",
        "srv/tests/.env": b"DB_PASSWORD=hunter2hunter2\n",
        "srv/app.env": b"DB_PASSWORD=changeme\nDB_HOST=db\n",
    }
    own = {
        "usr/lib/python3/site-packages/flask-2.3.1.dist-info/METADATA": FLASK,
        "opt/.wh.big": b"",
        "srv/.wh..env": b"",
    }
    history: list[dict[str, Any]] = [
        {"created": "2026-01-01T00:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
        {"created_by": '/bin/sh -c #(nop)  CMD ["bash"]', "empty_layer": True},
        {"created_by": "RUN pip install flask # buildkit"},
    ]
    return archive(tmp_path / "shop.tar", [base, own], history)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    status = _run([*arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out.startswith("{") else out, err


def test_sbom_lists_what_is_in_the_final_image(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, document, err = run(capsys, "sbom", shop, "--format", "json")
    assert (status, err) == (0, "")
    assert [package["purl"] for package in document["packages"]] == [
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib",
        "pkg:pypi/flask@2.3.1",
    ]
    assert document["packages"][2]["licenses"] == ["BSD-3-Clause"]
    assert document["packages"][2]["layer"].startswith("sha256:")


def test_layers_tell_instruction_base_waste_and_vulnerabilities(shop: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, document, _ = run(capsys, "layers", shop, "--db", database, "--format", "json")
    base, command, own = document["layers"]
    assert status == 0
    assert (base["instruction"], base["base"], base["wasted"], len(base["packages"])) == ("ADD file:1 in /", True, 5027, 2)
    assert base["secrets"] == [{"path": "srv/.env", "what": "a literal credential in DB_PASSWORD", "removed": True}]
    assert own["secrets"] == []
    assert (command["empty"], command["digest"], command["base"]) == (True, None, True)
    assert (own["instruction"], own["base"], own["packages"]) == ("RUN pip install flask", False, ["pkg:pypi/flask@2.3.1"])
    assert [found["id"] for found in base["vulnerabilities"]] == ["CVE-2026-1001"]
    assert [found["id"] for found in own["vulnerabilities"]] == ["CVE-2026-1004"]


def test_scan_reports_what_counts_and_says_what_does_not(shop: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, report, _ = run(capsys, "scan", shop, "--db", database, "--format", "json", "--plan")
    findings = {finding["vulnerability"]["id"]: finding for finding in report["findings"]}
    assert status == 1
    assert {id_: finding["status"] for id_, finding in findings.items()} == {
        "CVE-2026-1001": "open",
        "CVE-2026-1002": "suppressed",
        "CVE-2026-1004": "open",
    }
    openssl = findings["CVE-2026-1001"]
    assert openssl["severity"] == "critical"
    assert openssl["vulnerability"]["fixed"] == ["3.0.11-1~deb12u2"]
    assert openssl["vulnerability"]["path"] == "var/lib/dpkg/status"
    assert any(evidence["what"] == "base image" for evidence in openssl["evidence"])
    proof = findings["CVE-2026-1002"]["suppression"]
    assert proof["source"] == "changelog"
    assert "CVE-2026-1002 as fixed in 3.0.11-1~deb12u1" in proof["reason"]
    assert {step["what"] for step in report["plan"]} >= {"upgrade flask from 2.3.1 to 2.3.2"}
    assert any(step["kind"] == "base-image" and step["removes"] == ["CVE-2026-1001"] for step in report["plan"])
    assert report["scanned"]["images"] == 1


def test_a_policy_accepts_a_vulnerability_for_a_time(shop: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "suppressions:\n"
        "- {rules: [vulnerable-package], vulnerability: CVE-2026-1004, package: flask, reason: not reachable, until: 2999-01-01}\n"
        "- {rules: [vulnerable-package], vulnerability: DSA-1, reason: was to be fixed by then, until: 2020-01-01}\n"
        "- {rules: [vulnerable-package], vulnerability: CVE-1999-1, reason: nothing}\n"
    )
    _, report, _ = run(capsys, "scan", shop, "--db", database, "--policy", str(policy), "--format", "json")
    statuses = {finding["vulnerability"]["id"]: finding["status"] for finding in report["findings"] if "vulnerability" in finding}
    assert statuses["CVE-2026-1004"] == "suppressed"
    assert statuses["CVE-2026-1001"] == "open"
    assert {finding["rule"] for finding in report["findings"]} >= {"suppression-expired", "suppression-unused"}


def test_vex_says_that_it_does_not_matter(shop: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vex = tmp_path / "ours.vex.json"
    statement = {
        "vulnerability": {"name": "CVE-2026-1004"},
        "products": [{"@id": "pkg:pypi/flask"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "shop", "timestamp": "2026-01-01T00:00:00Z", "version": 1}
    vex.write_text(json.dumps({**document, "statements": [statement]}))
    out = tmp_path / "out.vex.json"
    _, report, _ = run(capsys, "scan", shop, "--db", database, "--vex", str(vex), "--write-vex", str(out), "--format", "json")
    flask = next(finding for finding in report["findings"] if finding["vulnerability"]["id"] == "CVE-2026-1004")
    assert (flask["status"], flask["suppression"]["source"]) == ("suppressed", "vex")
    written = {statement["vulnerability"]["name"]: statement["status"] for statement in json.loads(out.read_text())["statements"]}
    assert written == {"CVE-2026-1001": "affected", "CVE-2026-1002": "fixed", "CVE-2026-1004": "not_affected"}


def test_the_age_that_a_policy_allows(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules: [image-age]\nparameters: {image-age: {max_days: 30}}\n")
    options = ("--db", database, "--policy", str(policy), "--format", "json")
    old = archive(tmp_path / "old.tar", [{"a": b""}], [], created="2020-01-01T00:00:00Z")
    _, report, _ = run(capsys, "scan", old, *options)
    assert [finding["rule"] for finding in report["findings"]] == ["image-age"]
    fixed = archive(tmp_path / "fixed.tar", [{"a": b""}], [], created="1970-01-01T00:00:00Z")
    _, report, _ = run(capsys, "scan", fixed, *options)
    assert not report["findings"]
    assert "fixed date" in report["not_evaluated"][0]["reason"]
    new = archive(tmp_path / "new.tar", [{"a": b""}], [], created="2999-01-01T00:00:00Z")
    assert not run(capsys, "scan", new, *options)[1]["findings"]


def test_lockfiles_of_a_source_tree(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text("flask==2.3.1\n")
    (tmp_path / "web.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n")
    _, report, _ = run(capsys, "scan", str(tmp_path), "--db", database, "--format", "json")
    assert {"host-pid", "vulnerable-package"} <= {finding["rule"] for finding in report["findings"]}
    flask = next(finding for finding in report["findings"] if finding["rule"] == "vulnerable-package")
    assert flask["locations"][0]["path"] == str(tmp_path / "requirements.txt")


def test_an_image_that_cannot_be_read(tmp_path: Path, shop: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no archive at all")
    status, _, err = run(capsys, "sbom", f"archive:{broken}")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert run(capsys, "scan", f"archive:{broken}", "--db", database)[0] == 2
    assert run(capsys, "scan", f"archive:{broken}", shop, "--db", database, "--fail-on", "never")[0] == 3


@pytest.mark.parametrize(
    "target", ["nowhere", __file__, "image:", "archive:nowhere.tar", "oci:nowhere", "rootfs:nowhere", "sbom:nowhere", "sbom:" + __file__]
)
def test_what_holds_no_packages_is_one_line(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sbom", target)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_no_advisories_is_an_error_not_a_clean_bill(
    shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    status, report, _ = run(capsys, "scan", shop, "--format", "json")
    assert status == 3
    assert "seawall advisories update" in report["errors"][0]["message"]
    assert report["not_evaluated"][0]["rule"] == "vulnerable-package"


def test_stale_advisories_are_refused(shop: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, report, _ = run(capsys, "scan", shop, "--db", database, "--max-db-age", "0", "--format", "json")
    assert status == 3
    assert "--max-db-age" in report["errors"][0]["message"]


@pytest.mark.parametrize(("name", "arguments"), [("report.v1", ("scan", "--plan")), ("layers.v1", ("layers",)), ("sbom.v1", ("sbom",))])
def test_the_promised_shapes(name: str, arguments: tuple[str, ...], shop: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[3] / "shared" / "schema" / f"{name}.schema.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    options = () if arguments == ("sbom",) else ("--db", database)
    _, document, _ = run(capsys, *arguments, shop, *options, "--format", "json")
    jsonschema.validate(document, json.loads(path.read_text()))


@pytest.mark.parametrize("format_", ["text", "table", "sarif", "junit", "csv", "html", "gitlab", "markdown", "openreports"])
def test_every_report_can_speak_of_packages(shop: str, database: str, format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = _run(["scan", shop, "--db", database, "--format", format_])
    out, err = capsys.readouterr()
    assert (status, err) == (1, "")
    assert "CVE-2026-1001" in out


def test_a_walk_stops_at_every_lockfile_that_a_cataloguer_knows() -> None:
    wanted = [(cataloguer.name, path) for cataloguer in all_cataloguers() if not cataloguer.installed for path in cataloguer.paths]
    for name, path in wanted:
        last = path.rpartition("/")[2].rpartition("*")[2]
        if path in ("pylock.*.toml", "**/requirements/*.txt", "**/node_modules/.package-lock.json") or name == "conda-environment":
            continue  # too rare for every TOML and text file to be read, nothing that a source tree keeps, or the name of a manifest
        assert last.endswith(LOCKFILES), name
