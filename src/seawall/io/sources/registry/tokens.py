"""Who we are to a registry: the answer to its challenge.

A registry that wants to know answers 401 and says how it wants to be told: by name and password (Basic), or by a token (Bearer) that is fetched at
an address of its choice. A token is fetched without credentials for what everyone may pull; with a name and a password where there are some; and
with an identity token by the OAuth 2 refresh flow.

Credentials are found when the first challenge comes, and go only to the registry they are kept for and to the token server that it names.

Sources: the token specification of github.com/distribution/distribution (docs/spec/auth: token.md, oauth.md); RFC 6750 (bearer tokens); RFC 6749, 6.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from seawall.io.sources.http import Answer, Http, basic, is_loopback, printable
from seawall.io.sources.registry.challenge import Challenge, parse_challenges
from seawall.io.sources.registry.credentials import Credentials, Found

MAX_TOKEN_ANSWER_BYTES: Final = 2**20
CLIENT_ID: Final = "seawall"
_IS_TOKEN: Final = re.compile(r"[\x21-\x7e]+").fullmatch
"""What may stand in a header. Tokens are more than RFC 6750 says: some registries hand out JSON in base64 with odd characters around it."""


class _Token(Struct):
    token: str | None = None
    access_token: str | None = None


class Authorization:
    """The ``Authorization`` header for one repository at one place: none at first, then what the challenge asked for."""

    def __init__(self, http: Http, find: Callable[[], Found], repository: str, subject: str) -> None:
        self._http = http
        self._find = find
        self._found: Found | None = None
        self._scope = f"repository:{repository}:pull"
        self._subject = subject
        self._header = ""

    def headers(self) -> dict[str, str]:
        """What to send along."""
        return {"Authorization": self._header} if self._header else {}

    def answer(self, refusal: Answer) -> bool:
        """Take up the challenge of an answer 401. ``False`` where there is nothing new to say, so that asking again is of no use."""
        before, self._header = self._header, ""
        challenges = {challenge.scheme: challenge for challenge in reversed(parse_challenges(refusal.headers.get("WWW-Authenticate", "")))}
        credentials = self._credentials()
        if "bearer" in challenges:
            self._header = f"Bearer {self._token(challenges['bearer'], credentials, refusal)}"
        elif "basic" in challenges and credentials and credentials.username:
            self._header = basic(credentials.username, credentials.password)
        return bool(self._header) and self._header != before

    def advice(self) -> str:
        """What to tell the user who is refused."""
        found = self._found or Found()
        notes = "".join(f"; {note}" for note in found.notes)
        if found.credentials:
            return f"with the credentials from {found.credentials.source}{notes}"
        return f"without credentials, as none were found{notes}"

    def _credentials(self) -> Credentials | None:
        if self._found is None:
            self._found = self._find()
        return self._found.credentials

    def _token(self, challenge: Challenge, credentials: Credentials | None, refusal: Answer) -> str:
        if credentials and credentials.registry_token:
            return self._checked(credentials.registry_token, refusal)
        realm = challenge.parameters.get("realm", "")
        asked = {"service": challenge.parameters.get("service", ""), "scope": challenge.parameters.get("scope", "") or self._scope}
        self._check_realm(realm, refusal)
        if credentials and credentials.identity_token:
            form = {**asked, "grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": credentials.identity_token}
            with self._http.open(
                realm,
                method="POST",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                subject=self._subject,
            ) as answer:
                if answer.status not in (404, 405) or not credentials.username:  # else the server knows only the older way
                    return self._read(answer)
        headers = {"Authorization": basic(credentials.username, credentials.password)} if credentials and credentials.username else {}
        account = {"account": credentials.username} if credentials and credentials.username else {}
        with self._http.open(_with_query(realm, {**asked, **account}), headers=headers, subject=self._subject) as answer:
            return self._read(answer)

    def _check_realm(self, realm: str, refusal: Answer) -> None:
        """A registry must not send us to the services of this machine, unless it is one of them."""
        try:
            parts = urlsplit(realm)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host:
            raise refusal.error("asks for a token but does not say where to get it")
        if is_loopback(host) and not is_loopback(urlsplit(refusal.url).hostname or ""):
            raise refusal.error(f"says that its tokens are handed out by {printable(host)}, on this machine; not asked")

    def _read(self, answer: Answer) -> str:
        if answer.status in (400, 401, 403):
            raise answer.error(f"hands out no token for {self._scope} {self.advice()} (status {answer.status})")
        if answer.status == 429:
            raise answer.error("hands out no token: too many requests", is_temporary=True)
        if answer.status != 200:
            raise answer.error(f"hands out no token (status {answer.status})", is_temporary=answer.status >= 500)
        try:
            token = msgspec.json.decode(answer.read(MAX_TOKEN_ANSWER_BYTES), type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise answer.error("was asked for a token, and answered with something else") from None
        return self._checked(token.token or token.access_token or "", answer)

    def _checked(self, token: str, answer: Answer) -> str:
        if not _IS_TOKEN(token):
            raise answer.error("handed out a token that is none" if token else "was asked for a token, and answered without one")
        return token


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The address with parameters beside those that it has; empty ones are left out."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *((name, value) for name, value in parameters.items() if value)]
    return urlunsplit(parts._replace(query=urlencode(query)))
