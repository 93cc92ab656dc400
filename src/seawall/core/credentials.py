"""What looks like a credential in plain text: by the name it has, and by its own shape.

Two tables. ``_NAMES`` and ``_GLUED`` say which words in a name promise a credential, and ``_TAKEN_BACK_*`` which words before or after them take
the promise back (a ``TOKEN_TTL`` is no token).
``SHAPES`` holds the credentials that their issuers made recognizable on purpose (a fixed prefix and length), so that no name is needed.

No function here returns or prints a value.
"""

import re
from collections.abc import Iterator
from re import Pattern

_NAMES = (
    # A name, split into words (DB_PASSWORD, dbPassword and db-password are all "db password"), has one of these phrases.
    "pass", "pwd", "passcode", "credential", "bearer", "api key", "access key", "secret key", "private key", "auth key", "encryption key",
    "signing key", "account key", "master key", "shared key", "ssh key", "license key", "connection string", "basic auth",
)  # fmt: skip
_GLUED = ("password", "passwd", "passphrase", "secret", "token", "apikey")
"""These also count at the end of a longer word, as in PGPASSWORD."""
_TAKEN_BACK_BEFORE = frozenset({
    # a number, a switch or an action about it: MAX_TOKENS, REQUIRE_PASSWORD, RESET_PASSWORD
    "max", "min", "num", "number", "total", "count", "input", "output", "prompt", "completion", "enable", "disable", "enabled", "disabled",
    "require", "required", "requires", "use", "allow", "allowed", "reset", "change", "forgot", "public", "no", "skip", "csrf", "stop", "pad",
})  # fmt: skip
_TAKEN_BACK_AFTER = frozenset({
    # where it is to be found: PASSWORD_FILE, SECRET_NAME, TOKEN_URL
    "file", "files", "path", "paths", "dir", "directory", "folder", "filename", "mount", "location", "url", "uri", "endpoint", "host", "hostname",
    "address", "addr", "port", "server", "service", "ref", "reference", "name", "names", "namespace", "namespaces", "id", "ids", "arn", "region",
    "provider", "store", "backend", "manager", "engine", "operator", "volume",
    # what it is like: TOKEN_TTL, PASSWORD_MIN_LENGTH, SECRET_TYPE
    "ttl", "expiry", "expires", "expiration", "expire", "lifetime", "duration", "validity", "seconds", "minutes", "hours", "days", "age", "max",
    "min", "minimum", "maximum", "length", "len", "size", "count", "limit", "limits", "budget", "timeout", "interval", "period", "refresh",
    "rotation", "rotate", "renewal", "renew", "retries", "retry", "cache", "per", "usage",
    "enabled", "enable", "disabled", "disable", "required", "allowed", "supported", "policy", "policies", "mode", "strength", "complexity",
    "validation", "validate", "check", "verify", "verification", "reset", "change", "login", "auth", "authentication", "grant", "exchange",
    "review", "request", "type", "kind", "class", "format", "field", "header", "cookie", "query", "param", "prefix", "suffix", "selector", "label",
    "annotation", "algorithm", "alg", "encoding", "hash", "digest", "issuer", "audience", "audiences", "scope", "scopes", "claim", "claims",
    "user", "username", "version", "hint", "pattern", "regex", "through", "phrases", "rate", "threshold", "automount",
})  # fmt: skip

SHAPES: dict[str, tuple[tuple[str, ...], Pattern[str]]] = {
    # what it is: texts of which one must be there (finding them costs a hundredth of the pattern), and how its issuer writes it (prefix and length
    # as their documentation has them)
    "a private key": (("PRIVATE KEY",), re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    "an AWS access key id": (
        ("AKIA", "ASIA"),
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])|(?<![A-Za-z0-9])AKIA[A-Z0-9]{9,12}EXAMPLE"),
    ),
    "a GitHub token": (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{60,255})"),
    ),
    "a GitLab token": (
        ("glpat-", "gldt-", "glrt-", "glft-", "glsoat-", "glcbt-", "glagent-"),
        re.compile(r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|ft|soat|cbt|agent)-[A-Za-z0-9_-]{20,}"),
    ),
    "a Slack token": (
        ("xox", "hooks.slack.com"),
        re.compile(r"(?<![A-Za-z0-9])xox[abeprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}"),
    ),
    "a Google API key": (("AIza",), re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    "a Stripe key": (("k_live_",), re.compile(r"(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{16,}")),
    "an npm token": (("npm_",), re.compile(r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])")),
    "a PyPI token": (("pypi-AgEIcHlwaS5vcmc",), re.compile(r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}")),
    "a SendGrid key": (("SG.",), re.compile(r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")),
    "an OpenAI key": (("T3BlbkFJ",), re.compile(r"(?<![A-Za-z0-9])sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}")),
    "an Anthropic key": (("sk-ant-",), re.compile(r"(?<![A-Za-z0-9])sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40,}")),
    "a Hugging Face token": (("hf_",), re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z]{34}(?![A-Za-z0-9])")),
    "a DigitalOcean token": (("_v1_",), re.compile(r"(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{64}")),
    "a Docker Hub token": (("dckr_",), re.compile(r"(?<![A-Za-z0-9])dckr_[po]at_[A-Za-z0-9_-]{27,}")),
    "a Vault token": (("hvs.", "hvb."), re.compile(r"(?<![A-Za-z0-9])hv[sb]\.[A-Za-z0-9_-]{24,}")),
    "an Azure storage key": (("AccountKey=",), re.compile(r"AccountKey=[A-Za-z0-9+/]{86}==")),
    "a JSON Web Token": ((".eyJ",), re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}")),
}

_URL = re.compile(r"(?<=[A-Za-z0-9])://[^\s/:@'\"<>]{0,200}:([^\s/@'\"<>]{1,200})@[A-Za-z0-9\[$({]")
_PAIR = re.compile(r"(?:^|;)\s*(?:password|pwd)\s*=\s*([^;\s]{1,200})\s*(?=;|$)", re.IGNORECASE)

_PLACEHOLDER = re.compile(
    r"\$\(|\$\{|^\$[A-Za-z_]\w*$|\{\{|<%|%\(|^%[A-Za-z_]+%$|^@[\w.-]+@$|^<[^<>]*>$|^\[[^\[\]]*\]$|^__\w+__$"  # filled in later
    r"|^[*xX.#_-]+$|^(?:null|none|nil|undefined|unset|empty|n/?a|todo|tbd|fixme|redacted|placeholder|dummy|optional)$"  # stands for nothing
    r"|\b(?:change|replace|fill|insert|edit|set|put|enter|add)[ _-]?(?:me|this|it|in|here)\b|^changeit$"  # asks to be filled in
    r"|^(?:insert|replace|enter|your)[ _-]|\byour[ _-]|^<|^\.\.\.|redacted|placeholder",
    re.IGNORECASE,
)
_SWITCH = re.compile(r"(?:true|false|yes|no|on|off|enabled?|disabled?|always|never|auto|default|required|optional)", re.IGNORECASE)
_ELSEWHERE = re.compile(
    # a path, an address, or a reference to a store that holds the value
    r"(?:\.{0,2}/|~/|[A-Za-z]:\\|file:)[\w.@ /\\:-]*|[a-z][a-z0-9+.-]*://\S*"
    r"|(?:vault|op|akv|ref\+\w+|secretref|secret|gcp:secretmanager|gsm|sm|ssm|awssm|arn:[\w-]+:(?:secretsmanager|ssm|kms)|keyvault|doppler|bao):\S+"
    r"|@Microsoft\.KeyVault\(.*|projects/[^/]+/secrets/\S+|ENC\[.*|AgA[A-Za-z0-9+/=]{40,}",
    re.IGNORECASE,
)
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:ns|us|ms|[smhdwy])", re.IGNORECASE)
_HASH = re.compile(r"\$(?:2[abxy]|argon2\w*|6|5|apr1|pbkdf2\S*)\$\S+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PHRASES = re.compile(rf"(?:(?<![a-z])(?:{'|'.join(_NAMES)})|{'|'.join(_GLUED)})s?(?![a-z])")
_SUSPICIOUS_WORDS = ("pass", "pwd", "secret", "token", "key", "cred", "bearer", "auth", "connection", "webhook")
_SUSPICIOUS = re.compile("|".join(_SUSPICIOUS_WORDS), re.IGNORECASE)

_ASSIGNMENT = re.compile(r"^[\s>-]{0,80}(?:export\s+|set\s+)?[\"']?([A-Za-z][\w.-]{1,100})[\"']?\s{0,20}(?:=>|[:=])\s{0,20}(.{1,4000}?)[\s,;]*$")
MAX_TEXT = 1 << 20
"""How many characters of a value are looked at; a ConfigMap holds no more."""


def promises_credential(name: str) -> bool:
    """Whether a name says that its value is a credential: ``DB_PASSWORD`` and ``githubToken`` do, ``TOKEN_TTL`` and ``PASSWORD_FILE`` do not."""
    if not _SUSPICIOUS.search(name):
        return False
    words = " ".join(word.lower() for word in _WORD.findall(name))
    phrase = _PHRASES.search(words)
    if phrase is None or words in ("pwd", "old pwd"):
        return False
    before, after = words[: phrase.start()].split(), words[phrase.end() :].split()
    return _TAKEN_BACK_BEFORE.isdisjoint(before) and _TAKEN_BACK_AFTER.isdisjoint(after)


def is_literal(value: str) -> bool:
    """Whether a value can be a credential at all: no placeholder, reference, path, switch, duration or password hash."""
    value = value.strip().strip("\"'")
    if not value or len(value) > MAX_TEXT or _HASH.fullmatch(value):
        return False
    return not (_PLACEHOLDER.search(value) or _SWITCH.fullmatch(value) or _ELSEWHERE.fullmatch(value) or _DURATION.fullmatch(value))


def shape_of(value: str) -> str:
    """What a value contains by its own shape ("a private key"), or the empty string."""
    value = value[:MAX_TEXT]
    for what, (texts, pattern) in SHAPES.items():
        if any(text in value for text in texts) and pattern.search(value):
            return what
    if "@" in value and any(is_literal(match[1]) for match in _URL.finditer(value)):
        return "a URL with a password"
    if "=" in value and any(is_literal(match[1]) for match in _PAIR.finditer(value)):
        return "a connection string with a password"
    return ""


def credential_in(name: str, value: str) -> str:
    """What credential a named value is, as words for a message, or the empty string."""
    if shape := shape_of(value):
        return shape
    if promises_credential(name) and "\n" not in value.strip() and is_literal(value) and not (_numeric(value) and "pass" not in name.lower()):
        return "a literal credential"
    return ""


def credential_in_text(text: str) -> str:
    """The first credential in a file's text, one ``name: value`` or ``name = value`` a line; the name only, or the empty string."""
    return next(_in_lines(text[:MAX_TEXT]), "")


def _in_lines(text: str) -> Iterator[str]:
    for line in _suspicious_lines(text):
        if not line.lstrip().startswith(("#", "//", ";", "--", "*")):
            assignment = _ASSIGNMENT.match(line[:5000])
            if assignment and promises_credential(assignment[1]) and _is_plain(assignment[2]) and credential_in(assignment[1], assignment[2]):
                yield assignment[1]


def _suspicious_lines(text: str) -> Iterator[str]:
    """The lines with a suspicious word, in their order. Looking for the words in the whole text is far quicker than looking at each line."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = text  # some letters have a longer lower case, and the places must stay
    starts = set()
    for word in _SUSPICIOUS_WORDS:
        place = lower.find(word)
        while place >= 0:
            starts.add(text.rfind("\n", 0, place) + 1)
            end = text.find("\n", place)
            place = lower.find(word, end) if end >= 0 else -1
    for start in sorted(starts):
        end = text.find("\n", start)
        yield text[start : end if end >= 0 else len(text)].rstrip("\r")


def _is_plain(value: str) -> bool:
    """Whether the right side of an assignment is one word or one quoted text, not a sentence, an expression or the start of a block."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return quoted or not (re.search(r"[\s(){}|\[\]]", value) or value[0] in "&*!>")


def _numeric(value: str) -> bool:
    return value.strip().lstrip("+-").replace(".", "", 1).isdigit()
