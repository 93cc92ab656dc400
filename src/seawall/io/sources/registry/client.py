"""One repository of a registry, over the distribution API: manifests, blobs, and what refers to a manifest.

Everything is asked of the mirrors first, in their order, and of the registry last; the digests make it one image, whoever serves which part of it.
A place that does not answer is asked last from then on.

Digests are checked here: of a manifest before it is returned, so that another place may be asked for a better one; of a blob when its last byte has
been given out, so that its reader must not trust what it made of the bytes before the stream has ended well. (The readers of images check both
again, in ``image/manifest.py`` and ``image/layer.py``, as they do for every source.) A blob that breaks off is continued where it broke (``Range``).

Sources: the OCI distribution specification 1.1; the manifest formats of github.com/distribution/distribution (docs/spec).
"""

import hashlib
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Self, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.image_reference import ImageReference
from seawall.io.sources.http import Answer, Http, HttpError, HttpOptions, is_loopback, printable, resolve, retry_after
from seawall.io.sources.image.limits import MAX_MANIFEST_BYTES
from seawall.io.sources.image.manifest import descriptors, json_of
from seawall.io.sources.image.model import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Descriptor, hash_name, is_digest
from seawall.io.sources.registry.credentials import Found, find_credentials
from seawall.io.sources.registry.options import Endpoint, RegistryOptions, endpoints
from seawall.io.sources.registry.tokens import Authorization

MAX_REFERRERS: Final = 10_000
MAX_PAGES: Final = 100
MAX_RESUMES: Final = 5
"""How often a blob is taken up again at one place."""

_MAX_ERROR_BYTES: Final = 2**16

_ACCEPT: Final = {"Accept": f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_INDEX}, {DOCKER_MANIFEST}"}
_OLD_TYPES: Final = ("application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws")
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)").fullmatch
_LINK: Final = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^\s",;]+))?)*)')
_IS_NEXT: Final = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next)(?=\s*(?:;|$))', re.IGNORECASE)

T = TypeVar("T")


class Manifest(Struct, frozen=True):
    """A manifest or an index as it was served: ``data`` has ``digest``. ``media_type`` is from the header, without parameters, in lower case."""

    media_type: str
    digest: str
    data: bytes


class _SchemaVersion(Struct):
    version: int = msgspec.field(name="schemaVersion", default=0)


class _Problem(Struct):
    code: str = ""
    message: str | None = ""


class _Problems(Struct):
    errors: list[_Problem] = []


class _Place:
    """An endpoint, and how we stand with it."""

    def __init__(self, endpoint: Endpoint, authorization: Authorization) -> None:
        self.endpoint = endpoint
        self.authorization = authorization
        self.base = ""  # scheme and host, when it is known


class Repository:
    """The repository of a reference. ``subject`` opens the line of every error. Use it as a context manager, or close it."""

    def __init__(self, reference: ImageReference, options: RegistryOptions = RegistryOptions(), *, http: Http | None = None) -> None:
        self.reference = reference
        self._options = options
        self._http = http or Http(options.http())
        self._subject = str(reference)
        self._places = [self._place(endpoint) for endpoint in endpoints(reference, options)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def manifest(self, tag_or_digest: str) -> Manifest:
        """The manifest or index of a tag or a digest. Raises :class:`HttpError`, with status 404 where there is none."""
        return self._first(lambda place: self._manifest(place, tag_or_digest))

    def blob(self, digest: str, size: int | None = None) -> Generator[bytes, None, None]:
        """The bytes of a blob, streamed. ``size`` is what the descriptor says; a blob of another size is an error.

        Raises :class:`HttpError`, at the latest in place of the end, where what was given out is not what the digest says.
        """
        check = hashlib.new(hash_name(_checked(digest)))
        position = 0
        problems: dict[_Place, HttpError] = {}
        for place in tuple(self._places):
            for attempt in range(MAX_RESUMES + 1):
                before = position
                try:
                    for data in self._blob_from(place, digest, position, size):
                        position += len(data)
                        check.update(data)
                        yield data
                except HttpError as error:
                    if error.is_temporary and position > before and attempt < MAX_RESUMES:
                        continue
                    problems[place] = error
                    self._note(place, error)
                    break
                if check.hexdigest() != digest.partition(":")[2]:
                    raise HttpError(self._subject, f"blob {digest} has other content than its digest says")
                return
        raise self._together(problems)

    def referrers(self, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]:
        """What refers to a manifest, by the referrers API, or by the referrers tag where a registry is too old for that.

        ``artifact_type`` narrows to one type. Raises :class:`HttpError`.
        """
        _checked(digest)
        found = self._first(lambda place: self._referrers(place, digest, artifact_type))
        return tuple(descriptor for descriptor in found if artifact_type in ("", descriptor.artifact_type))

    # One place

    def _place(self, endpoint: Endpoint) -> _Place:
        def find() -> Found:
            return find_credentials(endpoint.registry, endpoint.repository, auth_file=self._options.auth_file)

        return _Place(endpoint, Authorization(self._http, find, endpoint.repository, self._subject))

    def _first(self, ask: Callable[[_Place], T]) -> T:
        """The answer of the first place that has a good one."""
        problems: dict[_Place, HttpError] = {}
        for place in tuple(self._places):
            try:
                return ask(place)
            except HttpError as error:
                problems[place] = error
                self._note(place, error)
        raise self._together(problems)

    def _note(self, place: _Place, error: HttpError) -> None:
        """Who does not answer is asked last from now on, so that not everything waits for a dead mirror."""
        if error.status == 0 and error.is_temporary:
            self._places.remove(place)
            self._places.append(place)

    def _together(self, problems: Mapping[_Place, HttpError]) -> HttpError:
        """One line of all that went wrong, what the registry itself says first. The status is that of the registry."""
        ordered = sorted(problems, key=lambda place: place.endpoint.is_mirror)
        messages = dict.fromkeys(problems[place].message for place in ordered)
        first = problems[ordered[0]]
        return HttpError(self._subject, "; ".join(messages), status=first.status, is_temporary=first.is_temporary)

    def _manifest(self, place: _Place, tag_or_digest: str) -> Manifest:
        with self._open(place, f"manifests/{quote(tag_or_digest, safe=':')}", _ACCEPT) as answer:
            if answer.status != 200:
                raise self._refused(place, answer, f"no image {tag_or_digest}" if ":" in tag_or_digest else f"no tag {tag_or_digest}")
            data = answer.read(MAX_MANIFEST_BYTES)
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media_type in _OLD_TYPES or _schema_version(data) == 1:
                raise answer.error(
                    "has this image only as a manifest of schema 1, a format that was given up in 2019; push it again with a current tool"
                )
            stated = answer.headers.get("Docker-Content-Digest", "").strip()
            for digest in filter(None, [stated, tag_or_digest if ":" in tag_or_digest else ""]):
                if not is_digest(digest):
                    raise answer.error("states a digest that is none")
                if not _has_digest(data, digest):
                    raise answer.error(f"serves a manifest with other content than its digest {digest} says")
        digest = tag_or_digest if ":" in tag_or_digest else stated or f"sha256:{hashlib.sha256(data).hexdigest()}"
        return Manifest(media_type, digest, data)

    def _blob_from(self, place: _Place, digest: str, position: int, size: int | None) -> Iterator[bytes]:
        """The bytes of a blob of ``size`` bytes, from ``position`` on."""
        headers = {"Range": f"bytes={position}-"} if position else {}
        with self._open(place, f"blobs/{digest}", headers) as answer:
            skip = 0
            if answer.status == 206 and position:
                served = _CONTENT_RANGE(answer.headers.get("Content-Range", ""))
                if not served or int(served[1]) != position:
                    raise answer.error("serves another range than was asked for")
            elif answer.status == 200:
                skip = position  # it does not know of ranges
            else:
                raise self._refused(place, answer, f"no blob {digest}")
            for data in answer.chunks():
                rest = data[skip:]
                skip -= len(data) - len(rest)
                position += len(rest)
                if size is not None and position > size:
                    raise answer.error(f"has more in blob {digest} than the {size:,} bytes that are declared")
                if rest:
                    yield rest
            if size is not None and position < size:
                raise answer.error(f"ends blob {digest} after {position:,} of {size:,} bytes", is_temporary=not answer.has_end)

    def _referrers(self, place: _Place, digest: str, artifact_type: str) -> list[Descriptor]:
        query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
        path = f"referrers/{digest}{query}"
        found: list[Descriptor] = []
        for page in range(MAX_PAGES):
            with self._open(place, path, {"Accept": OCI_INDEX}) as answer:
                if answer.status in (400, 404, 405) and page == 0:
                    return self._tagged_referrers(place, digest)
                if answer.status != 200:
                    raise self._refused(place, answer, "no referrers")
                found += self._index(answer.read(MAX_MANIFEST_BYTES))
                if len(found) > MAX_REFERRERS:
                    raise answer.error(f"lists more than {MAX_REFERRERS:,} referrers; not read")
                path = self._next_page(place, answer)
            if not path:
                return found
        raise HttpError(self._subject, f"{place.endpoint.host} lists referrers on more than {MAX_PAGES} pages; not read")

    def _tagged_referrers(self, place: _Place, digest: str) -> list[Descriptor]:
        """The referrers tag schema: an index under a tag that is made of the digest."""
        try:
            manifest = self._manifest(place, digest.replace(":", "-", 1)[:128])
        except HttpError as error:
            if error.status == 404:
                return []
            raise
        return list(self._index(manifest.data))

    def _index(self, data: bytes) -> tuple[Descriptor, ...]:
        document = json_of(self._subject, data, "the list of referrers")
        if not isinstance(document, dict):
            raise HttpError(self._subject, "the list of referrers is no index")
        return descriptors(self._subject, document.get("manifests"), "list of referrers")

    def _next_page(self, place: _Place, answer: Answer) -> str:
        """The path of the next page, as ``Link`` says (RFC 8288), or nothing. It may not lead elsewhere."""
        for link in _LINK.finditer(answer.headers.get("Link", "")):
            if _IS_NEXT.search(link[2]):
                start = f"{place.base}/v2/{place.endpoint.repository}/"
                address = resolve(f"{start}referrers/", link[1])
                if not address.startswith(start):
                    raise answer.error("says that its list goes on elsewhere; not followed")
                return address.removeprefix(start)
        return ""

    @contextmanager
    def _open(self, place: _Place, path: str, headers: Mapping[str, str]) -> Iterator[Answer]:
        """The answer to a question below the repository, with a challenge taken up once."""
        place.base = place.base or f"{self._scheme(place.endpoint)}://{place.endpoint.host}"
        url = f"{place.base}/v2/{place.endpoint.repository}/{path}"
        with self._http.open(url, headers={**headers, **place.authorization.headers()}, subject=self._subject) as answer:
            if answer.status != 401 or not place.authorization.answer(answer):
                yield answer
                return
        with self._http.open(url, headers={**headers, **place.authorization.headers()}, subject=self._subject) as answer:
            yield answer

    def _scheme(self, endpoint: Endpoint) -> str:
        """TLS everywhere but where something else was asked for. On loopback either is usual, so it is tried what is spoken there."""
        host = urlsplit(f"//{endpoint.host}").hostname or ""
        if endpoint.scheme:
            return endpoint.scheme
        if {host, endpoint.host} & self._http.options.plain_http:
            return "http"
        if not is_loopback(host):
            return "https"
        probe = HttpOptions(connect_seconds=self._http.options.connect_seconds, read_seconds=min(5.0, self._http.options.read_seconds), retries=0)
        try:
            with Http(probe) as http, http.open(f"http://{endpoint.host}/v2/") as answer:
                return "https" if answer.status == 400 else "http"  # 400 is what Go and nginx say of plain HTTP on a TLS port
        except HttpError as error:
            return "http" if "refused" in error.message else "https"

    def _refused(self, place: _Place, answer: Answer, missing: str) -> HttpError:
        """What an answer means that is not the one we hoped for."""
        said = _said(answer)
        host = place.endpoint.host
        match answer.status:
            case 404:
                text = f"{host} has {missing} in {place.endpoint.repository}{said}"
            case 401 | 403:
                asked = f"{place.endpoint.repository}, asked {place.authorization.advice()}"
                text = f"{host} refuses access to {asked}; it may not exist, or needs a login{said}"
            case 429:
                pause = retry_after(answer.headers)
                when = f" until {pause:,.0f} seconds from now" if pause else ""
                text = f"{host} limits how much may be pulled{when}; log in, or use a mirror{said}"
            case _:
                text = f"{host} answered with status {answer.status}{said}"
        return HttpError(self._subject, text, status=answer.status, is_temporary=answer.status >= 500)


def _said(answer: Answer) -> str:
    """What a registry says of an error, in brackets."""
    try:
        problems = msgspec.json.decode(answer.read(_MAX_ERROR_BYTES), type=_Problems).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InputError):
        return ""  # the status has to do
    texts = [f"{problem.code}: {problem.message}" if problem.message else problem.code for problem in problems[:3]]
    return f" ({printable('; '.join(texts))})" if any(texts) else ""


def _schema_version(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_SchemaVersion).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0  # whoever reads the manifest will say so


def _has_digest(data: bytes, digest: str) -> bool:
    return hashlib.new(hash_name(digest), data).hexdigest() == digest.partition(":")[2]


def _checked(digest: str) -> str:
    """Raises ``InputError`` for what is no digest, so that none ever becomes a part of an address."""
    if not is_digest(digest):
        raise InputError(printable(digest, 100), "is no digest")
    return digest
