"""Real servers on loopback: HTTP with and without TLS, that answer as a test says, or misbehave as it says."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from copy import copy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Exchange(BaseHTTPRequestHandler):
    """One request, and what the test answers to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: "Site"

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.site.seen.append(copy(self))  # there is one handler for all requests of a connection
        self.site.handle(self)

    do_GET = do_HEAD = do_POST = answer  # noqa: N815 (the names are the library's)

    def reply(self, status: int = 200, body: bytes = b"", *, length: int | None = None, headers: dict[str, str] | None = None) -> None:
        """``length`` is what is said, where it is not the truth; the connection ends after it."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        pass


class Site(ThreadingHTTPServer):
    """``seen`` are the requests so far; ``url`` has no slash at its end."""

    daemon_threads = True

    def __init__(self, handle: Callable[[Exchange], None], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), type("Exchange", (Exchange,), {"site": self}))
        self.handle = handle
        self.seen: list[Exchange] = []
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"
        self.host = f"127.0.0.1:{self.server_port}"
        self.other_url = self.url.replace("127.0.0.1", "localhost")  # another host, as far as HTTP is concerned
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what some tests are about

    @property
    def paths(self) -> list[str]:
        return [exchange.path for exchange in self.seen]


Serve = Callable[..., Site]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that live as long as the test."""
    sites: list[Site] = []

    def start(handle: Callable[[Exchange], None], tls: ssl.SSLContext | None = None) -> Site:
        site = Site(handle, tls)
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        sites.append(site)
        return site

    yield start
    for site in sites:
        site.shutdown()
        site.server_close()


class Authority:
    """A certificate authority of the tests, and a server's context with a certificate of it for localhost, 127.0.0.1, registry.example."""

    def __init__(self, directory: Path) -> None:
        self.ca_file = str(directory / "ca.pem")
        key, request, certificate, names = (str(directory / name) for name in ("key.pem", "request.pem", "cert.pem", "names"))
        Path(names).write_text("subjectAltName=DNS:localhost,DNS:registry.example,IP:127.0.0.1\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        ca_key = str(directory / "ca-key.pem")
        constraints = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        for command in (
            ["req", "-x509", *curve, "-keyout", ca_key, "-out", self.ca_file, "-days", "2", "-subj", "/CN=Test CA", *constraints],
            ["req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
            [
                "x509",
                "-req",
                "-in",
                request,
                "-CA",
                self.ca_file,
                "-CAkey",
                ca_key,
                "-CAcreateserial",
                "-out",
                certificate,
                "-days",
                "2",
                "-extfile",
                names,
            ],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self.certificate, self.key = certificate, key


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there are no certificates to test TLS with")
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of whoever runs the tests are none of their business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
