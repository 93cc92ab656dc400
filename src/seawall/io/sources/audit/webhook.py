"""The API server's audit webhook: event lists that come by HTTP, into a queue that has an end.

    with Webhook(("0.0.0.0", 8443), context) as webhook:
        for block in webhook.blocks(stopped): ...          # one block for each list, an empty one when there is none for a while

When the queue is full, a request waits for a while, and then is refused with 429 and ``Retry-After``: the API server keeps its events and tries
again, until its own buffer is full. What was refused is counted, in events; ``webhook.refused`` tells, and ``GET /metrics`` does. ``GET /healthz``
says ok.

Source: k8s.io/apiserver/plugin/pkg/audit/webhook (POST of an ``EventList``, retried on 429 and 5xx).
"""

import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from seawall.io.sources.audit.limits import MAX_DOCUMENT_BYTES
from seawall.io.sources.audit.lines import Block

MAX_WAITING_LISTS: Final = 256
MAX_WAITING_BYTES: Final = 64 * 2**20
PATIENCE_SECONDS: Final = 2.0
"""How long a request waits for room before it is refused."""
_MAX_CONNECTIONS: Final = 64
_IDLE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.25


class Webhook:
    """A server on an address; port 0 lets the system choose, and ``address`` tells. ``context`` is for TLS, None for none."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None = None, *, lists: int = MAX_WAITING_LISTS) -> None:
        self.received = 0
        self.refused = 0
        self._lock = threading.Lock()
        self._waiting: queue.Queue[bytes] = queue.Queue(lists)
        self._waiting_bytes = 0
        self._connections = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self._patience = PATIENCE_SECONDS
        self._server = _Server(address, self, context)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def blocks(self, stopped: Callable[[], bool] = lambda: False) -> Iterator[Block]:
        """The lists, in the order they came; what waits is still given after ``stopped()``."""
        while True:
            try:
                body = self._waiting.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if stopped():
                    return
                yield Block("webhook", 1, [])
                continue
            with self._lock:
                self._waiting_bytes -= len(body)
            yield Block("webhook", 1, [body])

    def take(self, body: bytes) -> bool:
        """Queue a list of events; whether there was room in time."""
        with self._lock:
            room = self._waiting_bytes + len(body) <= MAX_WAITING_BYTES
            if room:
                self._waiting_bytes += len(body)
        if room:
            try:
                self._waiting.put(body, timeout=self._patience)
            except queue.Full:
                with self._lock:
                    self._waiting_bytes -= len(body)
            else:
                with self._lock:
                    self.received += 1
                return True
        with self._lock:
            self.refused += max(1, body.count(b'"auditID"'))
        return False

    def metrics(self) -> str:
        """What Prometheus reads."""
        return (
            f"seawall_audit_lists_received_total {self.received}\n"
            f"seawall_audit_events_refused_total {self.refused}\n"
            f"seawall_audit_lists_waiting {self._waiting.qsize()}\n"
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], webhook: Webhook, context: ssl.SSLContext | None) -> None:
        self.webhook = webhook
        self._context = context
        super().__init__(address, _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Runs in the thread of the connection: a slow handshake holds up nobody else."""
        if not self.webhook._connections.acquire(blocking=False):  # noqa: SLF001 (they are one)
            self.shutdown_request(request)
            return
        try:
            request.settimeout(_IDLE_SECONDS)
            if self._context is not None:
                request = self._context.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except (ssl.SSLError, OSError):
            self.shutdown_request(request)
        finally:
            self.webhook._connections.release()  # noqa: SLF001

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "seawall"
    sys_version = ""
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, "ok\n")
        elif self.path == "/metrics":
            self._answer(200, self.server.webhook.metrics())
        else:
            self._answer(404, "not found\n")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._answer(411, "the length of the body has to be told\n")
            return
        if int(length) > MAX_DOCUMENT_BYTES:
            self.close_connection = True
            self._answer(413, f"more than {MAX_DOCUMENT_BYTES // 2**20} MiB at once\n")
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        if self.server.webhook.take(body.replace(b"\n", b" ")):
            self._answer(200, "")
        else:
            self._answer(429, "too many events are waiting\n", {"Retry-After": "1"})

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the interface)
        """Nothing is logged for each request: that would be a log of logs."""
