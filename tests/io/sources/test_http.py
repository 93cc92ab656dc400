"""HTTP against real servers that misbehave: what is retried, what is refused, what is told, and what is never sent or printed."""

import re
import select
import socket
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import pytest

from seawall import __version__
from seawall.core.errors import InputError
from seawall.io.sources import http as module
from seawall.io.sources.http import Answer, Http, HttpError, HttpOptions, is_loopback, printable, retry_after, without_secrets

Serve = Any
Authority = Any


class Client:
    """Collects the pauses instead of making them."""

    def __init__(self, **options: Any) -> None:
        self.pauses: list[float] = []
        self.http = Http(HttpOptions(**options), sleep=self.pauses.append)

    def get(self, url: str, limit: int = 2**20, **keywords: Any) -> tuple[int, bytes]:
        with self.http, self.http.open(url, **keywords) as answer:
            return answer.status, answer.read(limit)

    def fails(self, url: str, **keywords: Any) -> str:
        with pytest.raises(HttpError) as caught:
            self.get(url, **keywords)
        line = str(caught.value)
        assert "\n" not in line
        return line


def test_an_answer(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"hello", headers={"X-Of": "test"}))
    with Http() as http, http.open(f"{site.url}/a?b=c", headers={"Accept": "text/plain"}) as answer:
        assert (answer.status, answer.headers["x-of"], answer.length, answer.has_end) == (200, "test", 5, True)
        assert answer.read(5) == b"hello"
    [request] = site.seen
    assert request.path == "/a?b=c"
    assert request.headers["User-Agent"] == f"seawall/{__version__}"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Accept"] == "text/plain"


def test_a_body_is_not_decompressed(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    assert Client().get(site.url) == (200, b"not gzip at all")


def test_a_connection_is_used_again(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"x"))
    with Http() as http:
        for _ in range(3):
            with http.open(site.url) as answer:
                answer.read(10)
    assert len({exchange.client_address for exchange in site.seen}) == 1


def test_a_connection_is_used_again_after_an_answer_that_nobody_read(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(404, b"x" * 1000))
    with Http() as http:
        for _ in range(3):
            with http.open(site.url):
                pass
    assert len({exchange.client_address for exchange in site.seen}) == 1


def test_chunked(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        exchange.send_response(200)
        exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        exchange.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n")
        if exchange.path == "/whole":
            exchange.wfile.write(b"0\r\n\r\n")
        exchange.close_connection = True

    site = serve(handle)
    assert Client().get(f"{site.url}/whole") == (200, b"hello world")
    assert "broke off the connection" in Client().fails(f"{site.url}/cut")


# Size and length


@pytest.mark.parametrize("says", [True, False])
def test_more_than_the_limit_is_not_read(serve: Serve, says: bool) -> None:
    def handle(exchange: Any) -> None:
        if says:
            exchange.reply(200, b"x" * 1000)
        else:
            exchange.send_response(200)
            exchange.end_headers()
            exchange.wfile.write(b"x" * 1000)
            exchange.close_connection = True

    site = serve(handle)
    assert Client().get(site.url, 1000) == (200, b"x" * 1000)
    assert Client().fails(f"{site.url}/f", limit=999) == f"{site.url}/f: sends more than 999 bytes; not read"


def test_a_body_that_is_shorter_than_it_said(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"half", length=8))
    assert Client().fails(f"{site.url}/f") == f"{site.url}/f: broke off the connection"


def test_a_body_that_is_longer_than_it_said_ends_where_it_said(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"halfhalf", length=4))
    assert Client().get(site.url) == (200, b"half")


def test_a_server_that_falls_silent(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "10")
        exchange.end_headers()
        exchange.wfile.write(b"x")
        time.sleep(1)

    site = serve(handle)
    assert Client(read_seconds=0.2).fails(f"{site.url}/f") == f"{site.url}/f: stopped answering"


def test_a_server_that_trickles(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(exchange: Any) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "100000")
        exchange.end_headers()
        for _ in range(100):
            exchange.wfile.write(b"x")
            time.sleep(0.02)

    monkeypatch.setattr(module, "PACE_SECONDS", 0.1)
    site = serve(handle)
    assert "sends less than 32 KiB a minute" in Client().fails(site.url)
    monkeypatch.setattr(module, "PACE_SECONDS", 60)
    monkeypatch.setattr(module, "MAX_READ_SECONDS", 0.1)
    assert "for a small answer; given up" in Client().fails(site.url)


# Retries


def test_a_busy_server_is_asked_again_when_it_says(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        headers = [{"Retry-After": "7"}, {}, {"Retry-After": "soon"}][min(2, len(site.seen) - 1)]
        exchange.reply([503, 502, 429, 200][len(site.seen) - 1], b"done", headers=headers)

    site = serve(handle)
    client = Client()
    assert client.get(site.url) == (200, b"done")
    assert client.pauses == [7, 1.0, 2.0]


def test_retries_are_bounded_and_the_last_answer_counts(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(503, b"busy"))
    client = Client(retries=2)
    assert client.get(site.url) == (503, b"busy")
    assert len(site.seen) == 3
    assert client.pauses == [0.5, 1.0]


def test_who_wants_a_long_pause_is_not_waited_for(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(429, b"later", headers={"Retry-After": "3600"}))
    client = Client()
    assert client.get(site.url) == (429, b"later")
    assert client.pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_what_is_final_is_not_asked_again(serve: Serve, status: int) -> None:
    site = serve(lambda exchange: exchange.reply(status, b"no"))
    assert Client().get(site.url) == (status, b"no")
    assert len(site.seen) == 1


def test_a_post_is_never_repeated(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(503))
    assert Client().get(site.url, method="POST", body=b"x") == (503, b"")
    assert len(site.seen) == 1
    assert site.seen[0].body == b"x"


def test_a_server_that_hangs_up_is_asked_again(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        if len(site.seen) < 3:
            exchange.close_connection = True
        else:
            exchange.reply(200, b"at last")

    site = serve(handle)
    assert Client().get(site.url) == (200, b"at last")


def test_a_refused_connection() -> None:
    client = Client()
    assert client.fails("http://127.0.0.1:1/x?token=geheim") == "http://127.0.0.1:1/x: refused the connection"
    assert len(client.pauses) == 3
    assert Client().fails("http://127.0.0.1:1/x", subject="nginx:1") == "nginx:1: 127.0.0.1:1 refused the connection"


def test_a_name_that_does_not_exist() -> None:
    assert Client().fails("https://registry.invalid/x") == "https://registry.invalid/x: is not known to the name service"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("12", 12), ("", None), ("-1", None), ("1e3", None), ("Soon", None), ("9" * 400, 999999999), ("١٢", None)]
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}) == seconds


def test_retry_after_a_date() -> None:
    in_future = retry_after({"Retry-After": formatdate(time.time() + 100, usegmt=True)})
    assert in_future is not None
    assert 90 < in_future <= 100
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


# Redirects


def redirecting(location: str, status: int = 307) -> Any:
    def handle(exchange: Any) -> None:
        if exchange.path.startswith("/start"):
            exchange.reply(status, headers={"Location": location})
        else:
            exchange.reply(200, b"end")

    return handle


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_keeps_credentials(serve: Serve, status: int) -> None:
    site = serve(redirecting("/end", status))
    assert Client().get(f"{site.url}/start", headers={"Authorization": "Bearer geheim"}) == (200, b"end")
    assert [exchange.headers["Authorization"] for exchange in site.seen] == ["Bearer geheim"] * 2


def test_a_redirect_to_another_host_goes_without_credentials(serve: Serve) -> None:
    other = serve(lambda exchange: exchange.reply(200, b"end"))
    site = serve(redirecting(f"{other.other_url}/blob?signature=s"))
    headers = {"Authorization": "Bearer geheim", "cookie": "c=1", "Range": "bytes=1-"}
    with Http() as http, http.open(f"{site.url}/start", headers=headers) as answer:
        assert answer.read(10) == b"end"
        assert answer.url == f"{other.other_url}/blob?signature=s"
    [request] = other.seen
    assert request.headers["Authorization"] is None
    assert request.headers["Cookie"] is None
    assert request.headers["Range"] == "bytes=1-"


def test_another_port_is_another_host(serve: Serve) -> None:
    other = serve(lambda exchange: exchange.reply(200, b"end"))
    site = serve(redirecting(other.url))
    Client().get(f"{site.url}/start", headers={"AUTHORIZATION": "Basic geheim"})
    assert other.seen[0].headers["Authorization"] is None


def test_credentials_do_not_come_back(serve: Serve) -> None:
    """Away and back again: once dropped, they stay dropped."""
    site = serve(lambda exchange: None)
    other = serve(lambda exchange: exchange.reply(302, headers={"Location": f"{site.url}/end"}))
    site.handle = redirecting(other.url)
    assert Client().get(f"{site.url}/start", headers={"Authorization": "Basic geheim"}) == (200, b"end")
    assert site.seen[1].headers["Authorization"] is None


def test_redirects_are_bounded(serve: Serve) -> None:
    site = serve(redirecting("/start"))
    assert Client().fails(f"{site.url}/start") == f"{site.url}/start: redirects more than 10 times"
    assert len(site.seen) == 11


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://x"])
def test_a_redirect_out_of_http_is_not_followed(serve: Serve, location: str) -> None:
    site = serve(redirecting(location))
    line = Client().fails(f"{site.url}/start")
    assert "not followed" in line or "is no address" in line
    assert len(site.seen) == 1


def test_a_redirect_from_tls_to_plain_http_is_not_followed(serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_loopback", lambda host: host == "127.0.0.1")
    site = serve(redirecting("http://localhost:1/end?s=geheim"), authority.tls)
    assert Client(ca_file=authority.ca_file).fails(f"{site.url}/start") == f"{site.url}/start: redirects to localhost:1 by plain http; not followed"


def test_a_redirect_into_this_machine_is_not_followed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere must not reach plain services on loopback through us."""
    monkeypatch.setattr(module, "is_loopback", lambda host: host == "localhost")
    site = serve(redirecting("http://localhost:1/admin"))
    assert "redirects to localhost:1" in Client(plain_http=frozenset({"127.0.0.1"})).fails(f"{site.url}/start")


def test_a_redirected_post_is_an_error(serve: Serve) -> None:
    site = serve(redirecting("/end"))
    assert "redirects" in Client().fails(f"{site.url}/start", method="POST", body=b"refresh_token=geheim")
    assert len(site.seen) == 1


@pytest.mark.parametrize("location", ["http://[::1", "http://127.0.0.1:99999/", "http://:80/", "http://a\x7fb/"])
def test_a_location_that_is_none(serve: Serve, location: str) -> None:
    site = serve(redirecting(location))
    assert "is no address" in Client().fails(f"{site.url}/start")


# Plain HTTP


@pytest.mark.parametrize("url", ["http://registry.example/x", "http://10.0.0.1/x", "http://127.0.0.1.example/", "http://user:geheim@a.example/"])
def test_plain_http_must_be_asked_for(url: str) -> None:
    line = Client().fails(url)
    assert "is asked for by plain HTTP, which must be allowed explicitly" in line
    assert "geheim" not in line


@pytest.mark.parametrize("allowed", ["registry.invalid", "registry.invalid:81"])
def test_plain_http_that_is_asked_for(allowed: str) -> None:
    assert "is not known to the name service" in Client(plain_http=frozenset({allowed})).fails("http://registry.invalid:81/x")
    assert "must be allowed" in Client(plain_http=frozenset({"registry.invalid:82"})).fails("http://registry.invalid:81/x")


@pytest.mark.parametrize(
    "url", ["", "x", "//x/y", "ftp://x/", "https://", "https:///x", "http://127.0.0.1:0/", "https://a b/", "http://127.0.0.1/\n", "https://[x/"]
)
def test_what_is_no_address(url: str) -> None:
    assert Client().fails(url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("LOCALHOST", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost.example", False),
     ("10.0.0.1", False), ("127.0.0.1.nip.io", False), ("0.0.0.0", False), ("", False), ("1", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# TLS


def test_tls_with_an_authority_of_ones_own(serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"safe"), authority.tls)
    assert Client(ca_file=authority.ca_file).get(site.url) == (200, b"safe")
    assert Client(ca_file=authority.ca_file).get(site.other_url) == (200, b"safe")
    assert "has a certificate that is not trusted (unable to get local issuer certificate)" in Client().fails(site.url)
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    assert Client().get(site.url) == (200, b"safe")


def test_a_certificate_for_another_name(serve: Serve, authority: Authority) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"safe"), authority.tls)
    line = Client(ca_file=authority.ca_file).fails(site.url.replace("127.0.0.1", "127.0.0.2").replace(site.host, f"127.0.0.2:{site.server_port}"))
    assert "127.0.0.2" in line
    assert not site.seen


def test_tls_to_a_server_without(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200))
    client = Client()
    assert "does not speak TLS; plain HTTP must be allowed explicitly" in client.fails(site.url.replace("http:", "https:"))
    assert client.pauses == []


def test_an_authority_file_that_is_none(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.pem"
    assert Client(ca_file=str(path)).fails("https://127.0.0.1:1/") == f"{path}: cannot be read: no such file or directory"
    path.write_text("nothing")
    assert Client(ca_file=str(path)).fails("https://127.0.0.1:1/") == f"{path}: has no certificates in PEM form"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert Client().fails("https://127.0.0.1:1/") == f"{path}: has no certificates in PEM form"


# Credentials in addresses


def test_credentials_of_an_address_become_a_header(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"x"))
    Client().get(site.url.replace("//", "//ann:s%40cret@"))
    assert site.seen[0].headers["Authorization"] == "Basic YW5uOnNAY3JldA=="
    assert site.seen[0].headers["Host"] == site.host


def test_no_error_has_secrets() -> None:
    line = Client().fails("http://ann:geheim@127.0.0.1:1/path?sig=geheim#geheim")
    assert line == "http://127.0.0.1:1/path: refused the connection"
    assert without_secrets("https://a:b@h/p?q#f") == "https://h/p"
    assert without_secrets("https://[") == without_secrets("https://a:ge/heim@h/") == "the address"


def test_foreign_text_in_our_lines() -> None:
    assert printable("a\nb\x1b[31m\t c", 50) == "a b[31m c"
    assert printable("x" * 300) == "x" * 200 + "..."


def test_an_error_says_its_status(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(404))
    with Http() as http, http.open(site.url) as answer:
        error = answer.error("has nothing")
        assert isinstance(answer, Answer)
    assert (error.status, error.is_temporary) == (404, False)
    import pickle

    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, InputError)
    assert str(copy) == str(error)


# Proxies


def proxied(monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str = "") -> str:
    monkeypatch.setenv("no_proxy", no_proxy)
    return module._proxy(urlsplit(url), "")


def test_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxied(monkeypatch, "https://a.example/") == ""
    monkeypatch.setenv("all_proxy", "http://all:1")
    assert proxied(monkeypatch, "https://a.example/") == "http://all:1"
    monkeypatch.setenv("HTTPS_PROXY", "secure:2")
    assert proxied(monkeypatch, "https://a.example/") == "http://secure:2"
    assert proxied(monkeypatch, "http://a.example/") == "http://all:1"
    assert proxied(monkeypatch, "https://127.0.0.1/") == ""
    assert proxied(monkeypatch, "https://localhost/") == ""


@pytest.mark.parametrize(
    "exceptions", ["*", "a.b.example", "b.example", ".b.example", "*.b.example", "example", "x,  b.example ,y", "a.b.example:5000", "A.B.EXAMPLE"]
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, exceptions: str) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    assert proxied(monkeypatch, "https://a.b.example:5000/", exceptions) == ""


@pytest.mark.parametrize("exceptions", ["a.b.example:5001", "ample", "c.b.example", ",", "", ".", "*.", "10.0.0.0/8", "x.a.b.example"])
def test_no_proxy_for_others(monkeypatch: pytest.MonkeyPatch, exceptions: str) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    assert proxied(monkeypatch, "https://a.b.example:5000/", exceptions) == "http://proxy:1"


@pytest.mark.parametrize(
    ("exceptions", "direct"),
    [("10.0.0.0/8", True), ("10.1.2.3", True), ("10.1.2.3/8", True), ("10.2.0.0/16", False), ("10/8", False), ("fd00::/8", False)],
)
def test_no_proxy_for_addresses(monkeypatch: pytest.MonkeyPatch, exceptions: str, direct: bool) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    assert (proxied(monkeypatch, "https://10.1.2.3/", exceptions) == "") is direct


def test_plain_http_through_a_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve(lambda exchange: exchange.reply(200, b"by proxy"))
    monkeypatch.setenv("http_proxy", site.url.replace("//", "//ann:geheim@"))
    assert Client(plain_http=frozenset({"mirror.example"})).get("http://mirror.example/f") == (200, b"by proxy")
    [request] = site.seen
    assert request.path == "http://mirror.example/f"
    assert request.headers["Proxy-Authorization"] == "Basic YW5uOmdlaGVpbQ=="


def test_tls_through_a_proxy(serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy gets its own credentials and sees nothing of ours; the certificate is still that of the site."""
    site = serve(lambda exchange: exchange.reply(200, b"through"), authority.tls)
    asked: list[tuple[str, str]] = []

    def tunnel(exchange: Any) -> None:
        asked.append((exchange.path, str(exchange.headers)))
        with socket.create_connection(("127.0.0.1", site.server_port)) as there:
            exchange.send_response(200)
            exchange.end_headers()
            here = exchange.connection
            while ready := select.select([here, there], [], [], 5)[0]:
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        exchange.close_connection = True
                        return
                    (there if one is here else here).sendall(data)

    proxy = serve(lambda exchange: None)
    setattr(proxy.RequestHandlerClass, "do_CONNECT", tunnel)  # noqa: B010 (the name is the library's)
    monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//ann:geheim@"))
    client = Client(ca_file=authority.ca_file)
    assert client.get("https://registry.example/x", headers={"Authorization": "Bearer ours"}) == (200, b"through")
    [(path, headers)] = asked
    assert path == "registry.example:443"
    assert re.search(r"(?i)proxy-authorization: (?-i:Basic YW5uOmdlaGVpbQ==)", headers)
    assert "ours" not in headers
    assert site.seen[0].headers["Proxy-Authorization"] is None
    assert "has a certificate that is not trusted" in Client(ca_file=authority.ca_file).fails("https://other.example/x")


def test_a_proxy_that_refuses(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve(lambda exchange: exchange.reply(403))  # also to CONNECT, which it does not know
    monkeypatch.setenv("https_proxy", site.url.replace("//", "//ann:geheim@"))
    line = Client(retries=0).fails("https://registry.example/x")
    assert f"was asked through the proxy {site.host}, and it" in line
    assert "geheim" not in line


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ann:geheim@127.0.0.1:1")
    expected = "https://registry.example/x: was asked through the proxy 127.0.0.1:1, and it refused the connection"
    assert Client(retries=0).fails("https://registry.example/x") == expected


@pytest.mark.parametrize("proxy", ["socks5://ann:geheim@127.0.0.1:1", "http://ann:geheim@[x", "http://", "http://ann:geheim@127.0.0.1:geheim"])
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    assert "geheim" not in Client(retries=0).fails("https://registry.example/x")
