"""Registries that do what real ones do only on bad days: tokens of all kinds, blobs that break off, wrong digests, limits, referrers."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from seawall.core.errors import InputError, UsageError
from seawall.core.image_reference import parse_image_reference
from seawall.io.sources.http import Http, HttpError
from seawall.io.sources.image.model import Descriptor, Platform
from seawall.io.sources.registry import client as module
from seawall.io.sources.registry.client import Repository
from seawall.io.sources.registry.options import RegistryOptions, endpoints
from seawall.io.sources.registry.source import RegistrySource, open_registry_image

Serve = Any

MANIFEST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'
BLOB = bytes(range(256)) * 4096  # 1 MiB


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def repository(site: Any, name: str = "team/app:1", **options: Any) -> Repository:
    settings = RegistryOptions(**{"retries": 0, **options})
    return Repository(parse_image_reference(f"{site.host}/{name}"), settings, http=Http(settings.http(), sleep=lambda _: None))


def manifest(exchange: Any, data: bytes = MANIFEST, digest: str = "") -> None:
    stated = {"Docker-Content-Digest": digest} if digest else {}
    exchange.reply(200, data, headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json; charset=utf-8", **stated})


def login(home: Path, host: str, **entry: str) -> None:
    file = home / ".docker" / "config.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"auths": {host: entry}}))


def ann(exchange: Any) -> bool:
    return bool(exchange.headers["Authorization"] == "Basic " + base64.b64encode(b"ann:sesame").decode())


# Tokens


class Guarded:
    """A registry whose token server, on the same port, hands out what ``allow`` allows."""

    def __init__(self, serve: Serve, allow: Any = lambda exchange: True, field: str = "token", **challenge: str) -> None:
        self.issued: list[str] = []
        self.valid = ""
        self.allow, self.field = allow, field
        self.site = serve(self.handle)
        self.challenge = {"realm": f"{self.site.url}/token?extra=1", "service": "registry", "scope": "repository:team/app:pull", **challenge}

    def handle(self, exchange: Any) -> None:
        if exchange.path.startswith("/token"):
            if self.allow(exchange):
                self.valid = f"token-{len(self.issued)}"
                self.issued.append(self.valid)
                exchange.reply(200, json.dumps({self.field: self.valid, "expires_in": 60, "issued_at": "2026-01-01T00:00:00Z"}).encode())
            else:
                exchange.reply(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
        elif self.valid and exchange.headers["Authorization"] == f"Bearer {self.valid}":
            manifest(exchange)
        else:
            challenge = "Bearer " + ",".join(f'{name}="{value}"' for name, value in self.challenge.items() if value)
            exchange.reply(401, headers={"WWW-Authenticate": challenge})

    @property
    def token_requests(self) -> list[Any]:
        return [exchange for exchange in self.site.seen if exchange.path.startswith("/token")]


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_an_anonymous_token(serve: Serve, field: str) -> None:
    guarded = Guarded(serve, field=field)
    with repository(guarded.site) as asked:
        for _ in range(3):
            assert asked.manifest("1").data == MANIFEST
    [request] = guarded.token_requests  # and once is enough
    assert request.command == "GET"
    assert request.headers["Authorization"] is None
    assert parse_qs(urlsplit(request.path).query) == {"extra": ["1"], "service": ["registry"], "scope": ["repository:team/app:pull"]}


def test_a_challenge_without_scope_and_service(serve: Serve) -> None:
    guarded = Guarded(serve, scope="", service="")
    with repository(guarded.site) as asked:
        asked.manifest("1")
    assert parse_qs(urlsplit(guarded.token_requests[0].path).query) == {"extra": ["1"], "scope": ["repository:team/app:pull"]}


def test_a_token_that_expires_is_renewed(serve: Serve) -> None:
    guarded = Guarded(serve)
    with repository(guarded.site) as asked:
        asked.manifest("1")
        guarded.valid = ""
        assert asked.manifest("1").data == MANIFEST
    assert guarded.issued == ["token-0", "token-1"]


def test_a_token_that_is_never_good_enough(serve: Serve) -> None:
    guarded = Guarded(serve, field="token")

    def handle(exchange: Any) -> None:
        guarded.valid = ""
        Guarded.handle(guarded, exchange)

    guarded.site.handle = handle
    with repository(guarded.site) as asked, pytest.raises(HttpError, match="refuses access to team/app, asked without credentials"):
        asked.manifest("1")
    assert len(guarded.token_requests) == 1


def test_a_token_for_a_name_and_a_password(serve: Serve, nobody: Path) -> None:
    guarded = Guarded(serve, allow=ann)
    login(nobody, guarded.site.host, username="ann", password="sesame")
    with repository(guarded.site) as asked:
        assert asked.manifest("1").data == MANIFEST
    assert parse_qs(urlsplit(guarded.token_requests[0].path).query)["account"] == ["ann"]
    assert not any(ann(exchange) for exchange in guarded.site.seen if not exchange.path.startswith("/token"))


def test_credentials_that_the_token_server_refuses(serve: Serve, nobody: Path) -> None:
    guarded = Guarded(serve, allow=ann)
    login(nobody, guarded.site.host, username="ann", password="geheim")
    with repository(guarded.site) as asked, pytest.raises(HttpError, match="hands out no token for repository:team/app:pull with the cred") as caught:
        asked.manifest("1")
    assert "geheim" not in str(caught.value)
    assert str(caught.value).startswith(f"{guarded.site.host}/team/app:1: ")


def test_an_identity_token_is_exchanged_by_oauth(serve: Serve, nobody: Path) -> None:
    guarded = Guarded(serve, allow=lambda exchange: exchange.command == "POST", field="access_token")
    login(nobody, guarded.site.host, identitytoken="idt/+=")
    with repository(guarded.site) as asked:
        assert asked.manifest("1").data == MANIFEST
    [request] = guarded.token_requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"] is None
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["idt/+="],
        "client_id": ["seawall"],
        "service": ["registry"],
        "scope": ["repository:team/app:pull"],
    }


def test_a_token_server_without_oauth_is_asked_the_older_way(serve: Serve, nobody: Path) -> None:
    guarded = Guarded(serve, allow=ann)

    def handle(exchange: Any) -> None:
        if exchange.command == "POST":
            exchange.reply(405)
        else:
            guarded.handle(exchange)

    guarded.site.handle = handle
    login(nobody, guarded.site.host, username="ann", password="sesame", identitytoken="id")
    with repository(guarded.site) as asked:
        assert asked.manifest("1").data == MANIFEST


def test_a_registry_token_is_sent_as_it_is(serve: Serve, nobody: Path) -> None:
    guarded = Guarded(serve)
    guarded.valid = "given"
    login(nobody, guarded.site.host, registrytoken="given")
    with repository(guarded.site) as asked:
        assert asked.manifest("1").data == MANIFEST
    assert not guarded.token_requests


def test_no_credentials_before_they_are_asked_for(serve: Serve, nobody: Path) -> None:
    site = serve(manifest)
    login(nobody, site.host, username="ann", password="sesame")
    with repository(site) as asked:
        asked.manifest("1")
    assert [exchange.headers["Authorization"] for exchange in site.seen if exchange.path != "/v2/"] == [None]


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"token": ""}', b'{"token": "a\\r\\nX: y"}', b'{"token": 5}', b'{"token": "\xc3\xa9"}', b"{" * 99999]
)
def test_a_token_that_is_none(serve: Serve, answer: bytes) -> None:
    def handle(exchange: Any) -> None:
        if exchange.path.startswith("/token"):
            exchange.reply(200, answer)
        else:
            exchange.reply(401, headers={"WWW-Authenticate": f'Bearer realm="{site.url}/token"'})

    site = serve(handle)
    with repository(site) as asked, pytest.raises(HttpError, match="token"):
        asked.manifest("1")


@pytest.mark.parametrize("realm", ["", "/token", "//x", "http://[", "http://registry.invalid/token", "file:///etc/passwd", "ftp://registry.invalid/"])
def test_a_realm_that_is_not_asked(serve: Serve, nobody: Path, realm: str) -> None:
    site = serve(lambda exchange: exchange.reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}))
    login(nobody, site.host, username="ann", password="geheim")
    with repository(site) as asked, pytest.raises(HttpError) as caught:
        asked.manifest("1")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("challenge", ["", "Negotiate", "Digest realm=x", "rubbish ="])
def test_a_challenge_that_we_cannot_take_up(serve: Serve, challenge: str) -> None:
    site = serve(lambda exchange: exchange.reply(401, headers={"WWW-Authenticate": challenge}))
    with repository(site) as asked, pytest.raises(HttpError, match="refuses access") as caught:
        asked.manifest("1")
    assert caught.value.status == 401


def test_a_helper_that_is_missing_is_told_to_who_is_refused(serve: Serve, nobody: Path) -> None:
    site = serve(lambda exchange: exchange.reply(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    file = nobody / ".docker" / "config.json"
    file.parent.mkdir()
    file.write_text('{"credsStore": "nowhere"}')
    with (
        repository(site) as asked,
        pytest.raises(HttpError, match=r"as none were found; docker-credential-nowhere, which .* names, is not on the PATH"),
    ):
        asked.manifest("1")


# Manifests


def test_what_is_asked_for(serve: Serve) -> None:
    site = serve(manifest)
    with repository(site) as asked:
        found = asked.manifest("1.0")
    assert (found.media_type, found.digest) == ("application/vnd.oci.image.manifest.v1+json", digest_of(MANIFEST))
    request = site.seen[-1]
    assert request.path == "/v2/team/app/manifests/1.0"
    assert request.headers["Accept"].split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]


def test_digests_of_manifests(serve: Serve) -> None:
    wrong, right = digest_of(b"other"), digest_of(MANIFEST)
    strong = "sha512:" + hashlib.sha512(MANIFEST).hexdigest()
    stated = {"value": right}
    site = serve(lambda exchange: manifest(exchange, digest=stated["value"]))
    with repository(site) as asked:
        for value in (right, strong, ""):
            stated["value"] = value
            assert asked.manifest("1").digest == (value or right)
            assert asked.manifest(right).digest == right
            assert asked.manifest(strong).digest == strong
            with pytest.raises(HttpError, match=f"serves a manifest with other content than its digest {wrong} says"):
                asked.manifest(wrong)
        for value in (wrong, "sha256:abc", "md5:0cc175b9c0f1b6a831c399e269772661", "x"):
            stated["value"] = value
            with pytest.raises(HttpError, match="digest"):
                asked.manifest("1")


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", b"{}"),
        ("application/vnd.docker.distribution.manifest.v1+json; charset=utf-8", b"{}"),
        ("application/json", b'{"schemaVersion": 1, "fsLayers": []}'),
    ],
)
def test_schema_1(serve: Serve, media_type: str, data: bytes) -> None:
    site = serve(lambda exchange: exchange.reply(200, data, headers={"Content-Type": media_type}))
    with repository(site) as asked, pytest.raises(HttpError, match="only as a manifest of schema 1, a format that was given up in 2019"):
        asked.manifest("1")


def test_a_manifest_without_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MANIFEST_BYTES", 1000)
    site = serve(lambda exchange: exchange.reply(200, b" " * 1001))
    with repository(site) as asked, pytest.raises(HttpError, match="sends more than 1,000 bytes; not read"):
        asked.manifest("1")


# Errors


DENIED = "HOST refuses access to team/app, asked without credentials, as none were found; it may not exist, or needs a login"
LIMITED = "HOST limits how much may be pulled until 3,600 seconds from now; log in, or use a mirror"


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (
            404,
            b'{"errors": [{"code": "UNKNOWN", "message": "no\\u001b[31m such\\nthing"}]}',
            "HOST has no tag 1 in team/app (UNKNOWN: no[31m such thing)",
        ),
        (404, b"<html>", "HOST has no tag 1 in team/app"),
        (403, b'{"errors": [{"code": "DENIED"}]}', f"{DENIED} (DENIED)"),
        (500, b'{"errors": null}', "HOST answered with status 500"),
        (418, b'{"errors": [{"code": 5}]}', "HOST answered with status 418"),
        (429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', f"{LIMITED} (TOOMANYREQUESTS)"),
    ],
)
def test_what_an_error_says(serve: Serve, status: int, body: bytes, line: str) -> None:
    site = serve(lambda exchange: exchange.reply(status, body, headers={"Retry-After": "3600"}))
    with repository(site) as asked, pytest.raises(HttpError) as caught:
        asked.manifest("1")
    assert str(caught.value) == f"{site.host}/team/app:1: " + line.replace("HOST", site.host)
    assert caught.value.status == status


# Blobs


class Blobs:
    """Serves one blob, as ``handle`` says for each request in turn, the last for all that follow."""

    def __init__(self, serve: Serve, *handles: Any, data: bytes = BLOB) -> None:
        self.asked: list[Any] = []
        self.handles = handles

        def handle(exchange: Any) -> None:
            if "/blobs/" not in exchange.path:
                exchange.reply(200)
                return
            self.asked.append(exchange)
            handles[min(len(self.asked), len(handles)) - 1](exchange)

        self.site = serve(handle)
        self.digest = digest_of(data)

    def read(self, size: int | None = len(BLOB), **options: Any) -> bytes:
        with repository(self.site, **options) as asked:
            return b"".join(asked.blob(self.digest, size))

    @property
    def ranges(self) -> list[str | None]:
        return [exchange.headers["Range"] for exchange in self.asked]


def start_of(exchange: Any) -> int:
    match = re.fullmatch(r"bytes=(\d+)-", exchange.headers["Range"] or "bytes=0-")
    assert match
    return int(match[1])


def whole(exchange: Any) -> None:
    exchange.reply(200, BLOB)


def ranged(exchange: Any) -> None:
    start = start_of(exchange)
    headers = {"Content-Range": f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"}
    exchange.reply(206 if start else 200, BLOB[start:], headers=headers if start else {})


def breaking(exchange: Any) -> None:
    """A quarter of what remains, and then the connection breaks."""
    start = start_of(exchange)
    rest = BLOB[start:]
    exchange.reply(
        206 if start else 200,
        rest[: len(rest) // 4 + 1],
        length=len(rest),
        headers={"Content-Range": f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"} if start else {},
    )


def test_a_blob(serve: Serve) -> None:
    blobs = Blobs(serve, whole)
    assert blobs.read() == blobs.read(None) == BLOB
    assert blobs.ranges == [None, None]


def test_a_blob_that_breaks_off_goes_on_where_it_broke(serve: Serve) -> None:
    blobs = Blobs(serve, breaking, breaking, breaking, ranged)
    assert blobs.read() == BLOB
    assert len(blobs.asked) == 4
    first = len(BLOB) // 4 + 1
    assert blobs.ranges[:2] == [None, f"bytes={first}-"]


def test_a_blob_that_breaks_off_where_ranges_are_unknown(serve: Serve) -> None:
    assert Blobs(serve, breaking, whole).read() == BLOB


def test_a_blob_that_breaks_off_again_and_again(serve: Serve) -> None:
    blobs = Blobs(serve, breaking)
    with pytest.raises(HttpError, match="broke off the connection"):
        blobs.read()
    assert len(blobs.asked) == module.MAX_RESUMES + 1


def test_the_rest_of_a_blob_from_another_place(serve: Serve) -> None:
    mirror = Blobs(serve, breaking, lambda exchange: exchange.reply(500))
    blobs = Blobs(serve, ranged)
    assert blobs.read(mirrors={blobs.site.host: (mirror.site.host,)}) == BLOB
    assert blobs.ranges == [f"bytes={len(BLOB) // 4 + 1}-"]


@pytest.mark.parametrize("value", ["", "bytes 0-9/10", "bytes 5-9/10", "bytes */10", "rubbish"])
def test_another_range_than_was_asked_for(serve: Serve, value: str) -> None:
    blobs = Blobs(serve, breaking, lambda exchange: exchange.reply(206, BLOB[10:], headers={"Content-Range": value}))
    with pytest.raises(HttpError, match="serves another range than was asked for"):
        blobs.read()


def test_a_blob_with_other_content(serve: Serve) -> None:
    blobs = Blobs(serve, lambda exchange: exchange.reply(200, BLOB[:-1] + b"x"))
    with repository(blobs.site) as asked:
        stream = asked.blob(blobs.digest, len(BLOB))
        started = next(stream)
        with pytest.raises(HttpError, match="has other content than its digest says"):
            list(stream)
    assert BLOB.startswith(started)


def test_a_blob_of_another_size(serve: Serve) -> None:
    blobs = Blobs(serve, lambda exchange: exchange.reply(200, BLOB + b"x" * 2**20))
    with pytest.raises(HttpError, match=f"has more in blob {blobs.digest} than the 1,048,576 bytes that are declared"):
        blobs.read()
    short = Blobs(serve, lambda exchange: exchange.reply(200, BLOB[:-1]))
    with pytest.raises(HttpError, match="after 1,048,575 of 1,048,576 bytes"):
        short.read()


def test_a_blob_elsewhere_is_fetched_without_credentials(serve: Serve, nobody: Path) -> None:
    storage = serve(lambda exchange: exchange.reply(200, BLOB))

    def handle(exchange: Any) -> None:
        if ann(exchange):
            exchange.reply(307, headers={"Location": f"{storage.other_url}/bucket?signature=s"})
        else:
            exchange.reply(401, headers={"WWW-Authenticate": "Basic realm=x"})

    blobs = Blobs(serve, handle)
    login(nobody, blobs.site.host, username="ann", password="sesame")
    assert blobs.read() == BLOB
    assert [(exchange.path, exchange.headers["Authorization"]) for exchange in storage.seen] == [("/bucket?signature=s", None)]


@pytest.mark.parametrize("digest", ["", "x", "sha256:../../x", "sha256:" + "g" * 64, "sha256:" + "a" * 63, "sha256:" + "A" * 64, "md5:" + "a" * 32])
def test_what_is_no_digest_is_never_asked_for(serve: Serve, digest: str) -> None:
    site = serve(manifest)
    with repository(site) as asked:
        with pytest.raises(InputError, match="is no digest"):
            next(asked.blob(digest))
        with pytest.raises(InputError, match="is no digest"):
            asked.referrers(digest)
    assert not site.seen


# Referrers


def referrer(number: int, artifact_type: str = "application/vnd.dev.sigstore.bundle.v0.3+json") -> dict[str, Any]:
    return {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest_of(b"%d" % number),
        "size": number,
        "artifactType": artifact_type,
    }


def index(*manifests: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()


SUBJECT = digest_of(MANIFEST)


def test_referrers_on_several_pages(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        query = parse_qs(urlsplit(exchange.path).query)
        page = int(query.get("page", ["0"])[0])
        link = [f'<{exchange.path}&page=1>; rel="next"', f'<{site.url}/x>; rel="last", <?page=2&artifactType=a%2Fb>;rel=next', ""][page]
        exchange.reply(200, index(referrer(page, "a/b"), referrer(page + 10, "c/d")), headers={"Link": link} if link else {})

    site = serve(handle)
    with repository(site) as asked:
        found = asked.referrers(SUBJECT, "a/b")
    assert [descriptor.digest for descriptor in found] == [referrer(page)["digest"] for page in range(3)]
    assert {descriptor.artifact_type for descriptor in found} == {"a/b"}
    assert site.paths[-3] == f"/v2/team/app/referrers/{SUBJECT}?artifactType=a%2Fb"


def test_referrers_by_their_tag(serve: Serve) -> None:
    def handle(exchange: Any) -> None:
        if exchange.path == f"/v2/team/app/manifests/{SUBJECT.replace(':', '-')}":
            exchange.reply(200, index(referrer(1, "a/b"), referrer(2, "c/d")), headers={"Content-Type": "application/vnd.oci.image.index.v1+json"})
        else:
            exchange.reply(404)

    with repository(serve(handle)) as asked:
        assert [descriptor.size for descriptor in asked.referrers(SUBJECT)] == [1, 2]
        assert [descriptor.size for descriptor in asked.referrers(SUBJECT, "c/d")] == [2]
        assert asked.referrers(digest_of(b"other")) == ()


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/v2/team/app/referrers/x", "/v2/other/referrers/x", "/v2/team/app/../x", "http://["])
def test_a_list_that_goes_on_elsewhere(serve: Serve, target: str) -> None:
    site = serve(lambda exchange: exchange.reply(200, index(), headers={"Link": f"<{target}>; rel=next"}))
    with repository(site) as asked, pytest.raises(HttpError, match="goes on elsewhere; not followed"):
        asked.referrers(SUBJECT)


def test_a_list_without_end(serve: Serve) -> None:
    site = serve(lambda exchange: exchange.reply(200, index(referrer(1)), headers={"Link": f"<{exchange.path}>; rel=next"}))
    with repository(site) as asked, pytest.raises(HttpError, match="on more than 100 pages; not read"):
        asked.referrers(SUBJECT)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"manifests": 5}', b'{"manifests": [5]}', b'{"manifests": [{"digest": "x"}]}', b"{" * 9999])
def test_a_list_that_is_none(serve: Serve, body: bytes) -> None:
    site = serve(lambda exchange: exchange.reply(200, body))
    with repository(site) as asked, pytest.raises(InputError) as caught:
        asked.referrers(SUBJECT)
    assert str(caught.value).startswith(f"{site.host}/team/app:1: ")


# Places


def hosts(reference: str, **options: Any) -> list[tuple[str, str]]:
    return [(place.host, place.repository) for place in endpoints(parse_image_reference(reference), RegistryOptions(**options))]


def test_places() -> None:
    assert hosts("nginx") == [("registry-1.docker.io", "library/nginx")]
    assert hosts("ghcr.io/a/b:1") == [("ghcr.io", "a/b")]
    mirrors = {"docker.io": ("http://m.example:5000", "https://n.example/hub/", "o.example/x/y"), "ghcr.io": ("p.example",)}
    assert hosts("nginx", mirrors=mirrors) == [
        ("m.example:5000", "library/nginx"),
        ("n.example", "hub/library/nginx"),
        ("o.example", "x/y/library/nginx"),
        ("registry-1.docker.io", "library/nginx"),
    ]
    assert RegistryOptions(mirrors=mirrors, plain_http=frozenset({"x"})).http().plain_http == {"x", "m.example:5000"}


@pytest.mark.parametrize(
    "mirror", ["", "ftp://m.example", "https://", "m.example?x=1", "https://ann:geheim@m.example", "m.example:x", "m.example/a\nb", "[::1"]
)
def test_a_mirror_that_is_none(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        hosts("nginx", mirrors={"docker.io": (mirror,)})
    assert "geheim" not in str(caught.value)


def test_a_mirror_with_a_damaged_manifest_is_passed_over(serve: Serve) -> None:
    mirror = serve(lambda exchange: manifest(exchange, b"other"))
    site = serve(manifest)
    with repository(site, mirrors={site.host: (mirror.host,)}) as asked:
        assert asked.manifest(SUBJECT).data == MANIFEST


def test_a_mirror_that_is_down_is_asked_once(serve: Serve) -> None:
    site = serve(manifest)
    pauses: list[float] = []
    options = RegistryOptions(mirrors={site.host: ("127.0.0.1:1",)})
    with Repository(parse_image_reference(f"{site.host}/team/app"), options, http=Http(options.http(), sleep=pauses.append)) as asked:
        for _ in range(5):
            asked.manifest("1")
    assert len(pauses) == options.retries


# Images


def test_an_image_of_a_real_registry(registry: Any) -> None:
    image = open_registry_image(registry.reference, Platform("linux", "arm64"))
    assert image.index_digest == registry.layout.index
    assert image.manifest_digest == registry.layout.manifests[1]
    assert [layer.digest for layer in image.layers] == [layer["digest"] for layer in registry.layout.layers]
    for layer in image.layers:
        stream = image.open_layer(layer)
        data = b""
        while piece := stream.read(1000):
            data += piece
        stream.close()
        assert data == registry.layout.blobs[layer.digest]
    with pytest.raises(InputError, match="has no image for linux/s390x; there is linux/amd64, linux/arm64"):
        open_registry_image(registry.reference, Platform("linux", "s390x"))


def test_a_stream_that_is_closed_early_gives_its_connection_back(serve: Serve) -> None:
    blobs = Blobs(serve, whole)
    source = RegistrySource(parse_image_reference(f"{blobs.site.host}/team/app:1"))
    for _ in range(3):
        stream = source.open_blob(Descriptor(digest=blobs.digest, size=len(BLOB)))
        assert stream.read(10) == BLOB[:10]
        assert stream.read(10) == BLOB[10:20]
        stream.close()
        assert stream.read(10) == b""
    source.repository.close()


@pytest.mark.parametrize("reference", ["", "team/UPPER", "a b", "x@sha256:1", "https://r.example/app"])
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(InputError, match="is not an image reference"):
        open_registry_image(reference)
