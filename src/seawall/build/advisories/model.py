"""Advisories as every feed is told in: the words of the OSV schema, reduced to what matching and reporting need.

Source: the Open Source Vulnerability schema 1.7 (https://ossf.github.io/osv-schema/).
"""

from msgspec import Struct


class Interval(Struct, frozen=True):
    """Affected versions from ``introduced`` on (inclusive; ``"0"`` or empty is the beginning).

    It ends before ``fixed``, after ``last_affected`` (inclusive), or never where both are empty. A ``limit`` that is no fix (a branch ends, nothing
    mended it) is told as ``fixed`` with ``unfixed=True``: the same bound, and no version to recommend.
    """

    introduced: str = "0"
    fixed: str = ""
    last_affected: str = ""
    unfixed: bool = False


class Affected(Struct, frozen=True):
    """The versions of one package that an advisory speaks of.

    ``ecosystem`` is OSV's with its release: ``PyPI``, ``Debian:12``, ``Alpine:v3.19``, ``AlmaLinux:8``, ``Red Hat:enterprise_linux:9::baseos``.
    ``versions`` are affected as they are written, besides ``intervals``. No interval and no version: every version is affected.
    ``module`` is the RPM module stream (``nodejs:18``) and ``arch`` the architectures it is limited to (empty: any).
    ``status`` is empty, or why there is no fix: ``wont-fix``, ``end-of-life``, ``not-affected`` (an explicit denial), ``undetermined``, ``deferred``.
    """

    ecosystem: str
    name: str
    intervals: tuple[Interval, ...] = ()
    versions: tuple[str, ...] = ()
    module: str = ""
    arch: tuple[str, ...] = ()
    status: str = ""
    severity: str = ""


class Cvss(Struct, frozen=True):
    """A CVSS vector as published, and by whom. Scores are computed from it, see ``cvss.py``."""

    vector: str
    source: str = ""


class Advisory(Struct, frozen=True, kw_only=True):
    """One record of a feed. Times are RFC 3339 text. ``withdrawn`` is empty, or when it was taken back.

    ``severity`` is the feed's own word where it has one (``critical``, ``high``, ``medium``, ``low``, ``negligible``), in lower case.
    ``aliases`` are other ids of the very same vulnerability; ``upstream`` those it is derived from (a distribution's advisory and its CVEs):
    both lead
    to the same finding. ``related`` do not.
    """

    id: str
    source: str
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    withdrawn: str = ""
    summary: str = ""
    severity: str = ""
    cvss: tuple[Cvss, ...] = ()
    references: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()
    kind: str = "vulnerability"  # or "malicious", "unmaintained", "notice"


class Exploited(Struct, frozen=True):
    """An entry of CISA's catalogue of known exploited vulnerabilities; dates are ISO."""

    cve: str
    added: str
    due: str = ""
    ransomware: bool = False


class Likelihood(Struct, frozen=True):
    """EPSS: the chance (0 to 1) of exploitation in the next 30 days, and the share of CVEs with a lower one. ``date`` is the day of the model's
    run."""

    cve: str
    score: float
    percentile: float
    date: str = ""


class EndOfLife(Struct, frozen=True):
    """The support of one release of a product: ``product`` is ``debian``, ``cycle`` is ``12``; dates are ISO, empty when not announced.

    ``eol`` is the end of free security support, ``extended`` that of the longest one can get (ELTS, ESM, ...). ``ended`` says it has ended
    without a date.
    """

    product: str
    cycle: str
    codename: str = ""
    released: str = ""
    eol: str = ""
    extended: str = ""
    ended: bool = False
    identifiers: tuple[str, ...] = ()


Record = Advisory | Exploited | Likelihood | EndOfLife


class FeedProblem(Struct, frozen=True):
    """A record that could not be read, or says something that is not understood; the rest of the feed was read."""

    path: str
    message: str
