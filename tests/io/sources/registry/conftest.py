"""The real registry of the Debian package docker-registry, on loopback, filled by skopeo; and images to fill it with."""

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# "sesame", hashed by crypt(3) with $2y$05$: the registry takes nothing but bcrypt.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O\n"


class Layout:
    """An OCI layout with a multi-platform image: an index of two manifests, each with its configuration and the same two layers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs: dict[str, bytes] = {}
        (directory / "blobs" / "sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        layers = [gzip.compress(os.urandom(300_000), mtime=0), gzip.compress(b"\0" * 10240, mtime=0)]
        diff_ids = ["sha256:" + hashlib.sha256(gzip.decompress(layer)).hexdigest() for layer in layers]
        described = [self.add(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers]
        manifests = []
        for architecture in ("amd64", "arm64"):
            config = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
            manifest = {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": self.add(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
                "layers": described,
            }
            platform = {"architecture": architecture, "os": "linux"}
            manifests.append({**self.add(json.dumps(manifest).encode(), manifest["mediaType"]), "platform": platform})
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
        top = self.add(json.dumps(index).encode(), "application/vnd.oci.image.index.v1+json")
        self.index: str = top["digest"]
        self.manifests: list[str] = [manifest["digest"] for manifest in manifests]
        self.layers: list[dict[str, Any]] = described
        named = {**top, "annotations": {"org.opencontainers.image.ref.name": "1"}}
        (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))

    def add(self, data: bytes, media_type: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.directory / "blobs" / "sha256" / digest).write_bytes(data)
        self.blobs[f"sha256:{digest}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


class Registry:
    """A running docker-registry, with the layout as ``demo/app:1``."""

    def __init__(self, host: str, layout: Layout) -> None:
        self.host = host
        self.layout = layout
        self.reference = f"{host}/demo/app:1"


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("layout"))


Start = Callable[..., Registry]


@pytest.fixture(scope="session")
def start_registry(tmp_path_factory: pytest.TempPathFactory, layout: Layout) -> Iterator[Start]:
    for program in ("docker-registry", "skopeo"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so there is no real registry to ask")
    running: list[subprocess.Popen[bytes]] = []

    def start(*, login: str = "", tls: Any = None) -> Registry:
        directory = tmp_path_factory.mktemp("registry")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{free.getsockname()[1]}"
        lines = ["version: 0.1", f"storage: {{filesystem: {{rootdirectory: {directory / 'data'}}}}}", "http:", f"  addr: {host}"]
        if tls:
            lines.append(f"  tls: {{certificate: {tls.certificate}, key: {tls.key}}}")
        if login:
            (directory / "htpasswd").write_text(HTPASSWD)
            lines.append(f"auth: {{htpasswd: {{realm: tests, path: {directory / 'htpasswd'}}}}}")
        (directory / "config.yml").write_text("\n".join(lines) + "\n")
        with open(directory / "log", "wb") as log:
            running.append(subprocess.Popen(["docker-registry", "serve", str(directory / "config.yml")], stdout=log, stderr=log, cwd=directory))
        _wait(f"{'https' if tls else 'http'}://{host}/v2/")
        policy = directory / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        command = ["skopeo", "--policy", str(policy), "copy", "--all", "--dest-tls-verify=false", *(["--dest-creds", login] if login else [])]
        subprocess.run([*command, f"oci:{layout.directory}:1", f"docker://{host}/demo/app:1"], check=True, capture_output=True)
        return Registry(host, layout)

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def registry(start_registry: Start) -> Registry:
    """Open to everyone, without TLS."""
    return start_registry()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except urllib.error.URLError as error:
            if "CERTIFICATE" in str(error):
                return
            time.sleep(0.05)
    pytest.fail(f"docker-registry does not answer at {url}")


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of someone without credentials."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home
