"""HTTP, the one place for it: verified TLS, proxies, bounded time, size, retries and redirects.

    with Http(HttpOptions(ca_file="ca.pem")) as http, http.open("https://host/file") as answer:
        data = answer.read(2**20)

What holds for every request:

* The certificate is verified, always. A certificate authority of one's own is added by ``ca_file``, or by ``SSL_CERT_FILE`` as OpenSSL reads it.
* Plain HTTP is for loopback and for the hosts in ``plain_http``. No redirect leads from TLS, or from elsewhere, to what was not asked for so.
* Proxies are those of ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` (names, suffixes, ``*``, addresses, CIDR blocks). Loopback
  is never asked through one.
* GET and HEAD are repeated when the connection fails or the server says that it is busy, and as late as it says (``Retry-After``), within bounds.
* A redirect to another origin goes without credentials.
* Bodies are as they were sent; nothing is decompressed. One that ends before its stated length is an error.
* An error is one line with the host and the cause. Credentials and query strings, which may hold signatures, are never part of it.

Sources: RFC 9110 (semantics), RFC 9112 (message ends), RFC 3986 (origins).
"""

import base64
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies_environment

from msgspec import Struct

from seawall import __version__
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

USER_AGENT: Final = f"seawall/{__version__}"
MAX_REDIRECTS: Final = 10
MAX_RETRY_AFTER_SECONDS: Final = 30
"""A server that asks for a longer pause is not waited for: its answer goes to the caller, who tells the user."""

MAX_READ_SECONDS: Final = 120
"""For a body that is read into memory as a whole."""

PACE_SECONDS: Final = 60
PACE_BYTES: Final = 32 * 2**10
"""A streamed body must bring this much in each ``PACE_SECONDS`` of waiting, or it is given up: a server must not hold us by a byte a minute."""

CHUNK_BYTES: Final = 2**17
_CONNECTIONS: Final = 4
"""Kept for each host: an answer may be open while a token is fetched or another layer is read."""

_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_PORTS: Final = {"http": 80, "https": 443}


class HttpOptions(Struct, frozen=True):
    """How to connect. Times are in seconds; ``read_seconds`` is the longest silence in the middle of an answer.

    ``plain_http`` has hosts, as ``host`` (any port) or ``host:port``, that may be asked without TLS. ``retries`` counts those after the first try.
    """

    ca_file: str = ""
    plain_http: frozenset[str] = frozenset()
    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    retries: int = 3


class HttpError(InputError):
    """No useful answer came. ``status`` is that of the answer, 0 where there was none; ``is_temporary`` where another try may help."""

    def __init__(self, path: str, message: str, *, status: int = 0, is_temporary: bool = False) -> None:
        super().__init__(path, message)
        self.status = status
        self.is_temporary = is_temporary

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, int | None]]:
        return (InputError, (self.path, self.message, None))  # what another process needs of it


class Answer:
    """The answer to a request: status, headers, and a body that can be read once.

    ``url`` is where it came from in the end, after redirects. ``length`` is the stated size of the body in bytes, ``None`` where none was stated.
    """

    def __init__(self, response: "BaseHTTPResponse", url: str, subject: str) -> None:
        self._response = response
        self._subject = subject
        self._has_no_error_yet = True
        self.url = url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        stated = self.headers.get("Content-Length", "")
        self.length = int(stated) if stated.isascii() and stated.isdigit() and not self._is_chunked else None

    @property
    def _is_chunked(self) -> bool:
        return "chunked" in self.headers.get("Transfer-Encoding", "").lower()

    @property
    def has_end(self) -> bool:
        """Whether the end of the body is marked, so that a body that was cut off can be told from a whole one."""
        return self.length is not None or self._is_chunked

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives, in pieces of at most ``CHUNK_BYTES``. Raises :class:`HttpError` where it breaks off, stalls or trickles."""
        waited, brought = 0.0, 0
        while True:
            start = time.monotonic()
            data = self._read1()
            waited += time.monotonic() - start
            brought += len(data)
            if not data:
                return
            if brought >= PACE_BYTES:
                waited, brought = 0.0, 0
            elif waited > PACE_SECONDS:
                raise self.error(f"sends less than {PACE_BYTES // 2**10} KiB a minute; given up", is_temporary=True)
            yield data

    def read(self, limit: int) -> bytes:
        """The whole body, which may have ``limit`` bytes. Raises :class:`HttpError`."""
        if self.length is not None and self.length > limit:
            raise self._too_large(limit)
        parts, size, end = [], 0, time.monotonic() + MAX_READ_SECONDS
        for data in self.chunks():
            parts.append(data)
            size += len(data)
            if size > limit:
                raise self._too_large(limit)
            if time.monotonic() > end:
                raise self.error(f"took more than {MAX_READ_SECONDS} seconds for a small answer; given up", is_temporary=True)
        return b"".join(parts)

    def error(self, reason: str, *, is_temporary: bool = False) -> HttpError:
        """An error about this answer. ``reason`` is a verb phrase, its subject the server."""
        self._has_no_error_yet = False
        return _error(self._subject, urlsplit(self.url), reason, status=self.status, is_temporary=is_temporary)

    def close(self) -> None:
        """Give the connection back. It is used again where nothing of the answer is left, or only a little that has arrived already."""
        if self._has_no_error_yet and self.length is not None and self.length <= CHUNK_BYTES:
            with suppress(HttpError):
                self._read1()
        self._response.close()
        self._response.release_conn()

    def _too_large(self, limit: int) -> HttpError:
        return self.error(f"sends more than {limit:,} bytes; not read")

    def _read1(self) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            return self._response.read1(CHUNK_BYTES, decode_content=False) or b""
        except (HTTPError, OSError, ValueError) as error:
            raise self.error(_reason(error, 0), is_temporary=True) from None


class Http:
    """Connections to any number of hosts, kept open between requests. Not for several threads."""

    def __init__(self, options: HttpOptions = HttpOptions(), *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.options = options
        self.sleep = sleep
        self._pools: dict[str, PoolManager] = {}
        self._tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.clear()
        self._pools.clear()

    @contextmanager
    def open(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None, subject: str = ""
    ) -> Iterator[Answer]:
        """The answer to a request, whatever its status, after redirects and retries.

        ``subject`` is what the user asked for, and opens the line of an error; the address where it is empty. Raises :class:`HttpError`.
        """
        answer = self._ask_again(url, method, dict(headers or {}), body, subject)
        try:
            yield answer
        finally:
            answer.close()

    def _ask_again(self, url: str, method: str, headers: dict[str, str], body: bytes | None, subject: str) -> Answer:
        retries = self.options.retries if method in ("GET", "HEAD") else 0
        for attempt in range(retries + 1):
            is_last = attempt == retries
            pause = 0.5 * 2**attempt
            try:
                answer = self._ask(url, method, headers, body, subject)
            except HttpError as error:
                if is_last or not error.is_temporary:
                    raise
            else:
                asked = retry_after(answer.headers)
                if is_last or answer.status not in _BUSY or (asked or 0) > MAX_RETRY_AFTER_SECONDS:
                    return answer
                answer.close()
                pause = pause if asked is None else asked
            self.sleep(pause)
        raise AssertionError  # the last attempt returned or raised

    def _ask(self, url: str, method: str, headers: dict[str, str], body: bytes | None, subject: str) -> Answer:
        """One try, with its redirects."""
        target, headers = _without_userinfo(_split(url, subject), headers)
        self._may_ask(target, None, subject)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(target, method, headers, body, subject)
            location = answer.headers.get("Location", "")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.close()
            if method not in ("GET", "HEAD"):
                raise answer.error("redirects what is no plain question; not followed")
            new, _ = _without_userinfo(_split(resolve(target.geturl(), location), subject), {})
            self._may_ask(new, target, subject)
            if _origin(new) != _origin(target):
                headers = {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}
            target = new
        raise _error(subject, target, f"redirects more than {MAX_REDIRECTS} times")

    def _send(self, target: SplitResult, method: str, headers: Mapping[str, str], body: bytes | None, subject: str) -> Answer:
        from urllib3.exceptions import HTTPError

        url = target._replace(fragment="").geturl()
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        proxy = _proxy(target, subject)
        try:
            pool = self._pool(proxy)
            response = pool.urlopen(method, url, body=body, headers=sent, redirect=False, retries=False, preload_content=False)
        except (HTTPError, OSError, ValueError) as error:
            reason = _reason(error, self.options.connect_seconds)
            if proxy:
                reason = f"was asked through the proxy {_host(urlsplit(proxy))}, and {reason}"
            raise _error(subject, target, reason, is_temporary=not _is_final(error)) from None
        return Answer(response, url, subject)

    def _pool(self, proxy: str) -> "PoolManager":
        """The connections that go through a proxy, or directly where that is empty."""
        if proxy not in self._pools:
            import urllib3

            tls = self._tls = self._tls or _tls(self.options.ca_file)
            timeout = urllib3.Timeout(connect=self.options.connect_seconds, read=self.options.read_seconds)
            if not proxy:
                self._pools[proxy] = urllib3.PoolManager(ssl_context=tls, timeout=timeout, maxsize=_CONNECTIONS)
            else:
                address = urlsplit(proxy)
                login = f"{unquote(address.username or '')}:{unquote(address.password or '')}"
                headers = urllib3.make_headers(proxy_basic_auth=login) if address.username else None
                plain = f"{address.scheme}://{_host(address)}"
                self._pools[proxy] = urllib3.ProxyManager(
                    plain, proxy_headers=headers, ssl_context=tls, proxy_ssl_context=tls, timeout=timeout, maxsize=_CONNECTIONS
                )
        return self._pools[proxy]

    def _may_ask(self, target: SplitResult, before: SplitResult | None, subject: str) -> None:
        """Raises unless this address may be asked at all, coming from ``before`` by a redirect."""
        if target.scheme == "https":
            return
        if target.scheme == "http":
            host = (target.hostname or "").lower()
            if {host, _host(target)} & self.options.plain_http:
                return
            if is_loopback(host) and (before is None or is_loopback(before.hostname or "")):
                return
        known = target.scheme if target.scheme == "http" else "neither http nor https"
        if before is not None:
            raise _error(subject, before, f"redirects to {_host(target)} by {'plain ' if known == 'http' else ''}{known}; not followed")
        what = "is asked for by plain HTTP, which must be allowed explicitly" if known == "http" else f"is an address of a kind that is {known}"
        raise _error(subject, target, what)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the server wants to be asked again, by ``Retry-After`` (RFC 9110, 10.2.3), or ``None`` where it does not say."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, date.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without port, is this machine by definition (RFC 6761, RFC 1122, RFC 4291)."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def basic(username: str, password: str) -> str:
    """The value of ``Authorization`` for a name and a password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def printable(text: str, limit: int = 200) -> str:
    """Foreign text for a line of ours: without control characters, line breaks as blanks, and cut."""
    line = " ".join(text.split())
    shown = "".join(char for char in line[: limit + 1] if char.isprintable())
    return shown if len(line) <= limit else shown[:limit] + "..."


def without_secrets(url: str) -> str:
    """An address as it may be printed: no user name, no password, no query."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None  # raises for one that is no number, but may be half a password
    except ValueError:
        return "the address"
    return printable(f"{parts.scheme}://{_host(parts)}{parts.path}") if parts.hostname or has_port else printable(parts.path) or "the address"


def resolve(base: str, reference: str) -> str:
    """What a relative or absolute address means at ``base`` (RFC 3986, 5); empty where it is none."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def _split(url: str, subject: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises for one that is no number
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or not url.isprintable() or port == 0:
        shown = without_secrets(url)
        raise HttpError(subject or shown, f"{shown} is no address that could be asked" if subject else "is no address that could be asked")
    return parts._replace(scheme=parts.scheme.lower())


def _without_userinfo(target: SplitResult, headers: dict[str, str]) -> tuple[SplitResult, dict[str, str]]:
    """``user:password@`` of an address becomes a header, since it must not travel in addresses (RFC 9110, 4.2.4)."""
    if target.username is None and target.password is None:
        return target, headers
    login = basic(unquote(target.username or ""), unquote(target.password or ""))
    return target._replace(netloc=target.netloc.rpartition("@")[2]), {"Authorization": login, **headers}


def _origin(target: SplitResult) -> tuple[str, str, int]:
    return target.scheme, (target.hostname or "").lower(), target.port or _PORTS.get(target.scheme, 0)


def _host(target: SplitResult) -> str:
    """Host and port as written, without user and password."""
    return target.netloc.rpartition("@")[2].lower()


def _error(subject: str, target: SplitResult, reason: str, *, status: int = 0, is_temporary: bool = False) -> HttpError:
    path = subject or without_secrets(target.geturl())
    return HttpError(path, f"{printable(_host(target))} {reason}" if subject else reason, status=status, is_temporary=is_temporary)


# TLS and proxies


def _tls(ca_file: str) -> ssl.SSLContext:
    """Certificates of the system, or of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` instead, and those of ``ca_file``."""
    chosen = os.environ.get("SSL_CERT_FILE", "")
    context = ssl.create_default_context()
    for path in filter(None, [chosen, ca_file]):  # OpenSSL is silent about a chosen file that it cannot read
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise HttpError(path, "has no certificates in PEM form") from None
        except OSError as error:
            raise HttpError(path, f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    return context


def _proxy(target: SplitResult, subject: str) -> str:
    """The proxy for an address by the environment, or nothing."""
    host = (target.hostname or "").lower()
    proxies = getproxies_environment()
    proxy = proxies.get(target.scheme) or proxies.get("all", "")
    if not proxy or is_loopback(host) or any(_is_excepted(host, _host(target), item.strip().lower()) for item in proxies.get("no", "").split(",")):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.lower().startswith(("http://", "https://")):
        raise _error(subject, target, "is asked through a proxy that is neither of http nor of https; no other kind is supported")
    _split(proxy, subject)
    return proxy


def _is_excepted(host: str, with_port: str, item: str) -> bool:
    """Whether an item of ``NO_PROXY`` covers a host: ``*``, a name or address with or without port, a suffix of names, or a CIDR block."""
    if "/" in item:
        try:
            return ip_address(host) in ip_network(item, strict=False)
        except ValueError:
            return False
    name = item.removeprefix("*").removeprefix(".")
    return item == "*" or (bool(name) and any(text == name or text.endswith(f".{name}") for text in (host, with_port)))


# What went wrong


def _reason(error: Exception, connect_seconds: float) -> str:
    """A verb phrase whose subject is the host."""
    from urllib3 import exceptions as of

    if isinstance(error, of.ProxyError) and isinstance(error.original_error, Exception):
        return f"it {_reason(error.original_error, connect_seconds)}"
    if isinstance(error, of.SSLError | ssl.SSLError):
        return _tls_reason(error)
    if isinstance(error, of.NameResolutionError):
        return "is not known to the name service"
    if isinstance(error, of.NewConnectionError):
        cause = error.__cause__ or error.__context__
        if isinstance(cause, ConnectionRefusedError):
            return "refused the connection"
        return f"cannot be reached: {cause.strerror.lower()}" if isinstance(cause, OSError) and cause.strerror else "cannot be reached"
    if isinstance(error, of.ConnectTimeoutError):
        return f"did not answer within {connect_seconds:g} seconds"
    if isinstance(error, of.ReadTimeoutError):
        return "stopped answering"
    if isinstance(error, of.ProtocolError):
        return "broke off the connection"
    if isinstance(error, of.LocationValueError | UnicodeError):
        return "is no valid host name"
    if isinstance(error, OSError):
        what = printable(error.strerror or type(error).__name__).lower()
        return f"failed ({what})"
    return f"was not understood ({printable(type(error).__name__)})"


def _tls_reason(error: Exception) -> str:
    cause: object = error
    while isinstance(cause, Exception) and not isinstance(cause, ssl.SSLError) and cause.args:
        cause = cause.args[0]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted ({printable(cause.verify_message)}); a CA of your own goes into a CA file or SSL_CERT_FILE"
    what = (getattr(cause, "reason", None) or "handshake failed").lower().replace("_", " ")
    if what in ("wrong version number", "record layer failure", "http request"):
        return "does not speak TLS; plain HTTP must be allowed explicitly"
    return f"does not speak TLS as it should ({printable(what)})"


def _is_final(error: Exception) -> bool:
    """Whether another try would end the same way."""
    from urllib3 import exceptions as of

    inner = error.original_error if isinstance(error, of.ProxyError) else error
    return isinstance(inner, of.SSLError | ssl.SSLError | of.LocationValueError | of.NameResolutionError | ValueError)
