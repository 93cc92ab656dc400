"""What Debian packages say in /usr/share/doc: their licences, and the CVE ids that they fixed."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Changelog, Fact, File, Licensed, Problem
from seawall.build.image.cataloguers import debian_changelog, debian_copyright
from seawall.build.image.cataloguers.debian_copyright import licences

CHANGELOG = """openssl (3.0.11-1~deb12u2) bookworm-security; urgency=high

  * CVE-2023-5363 (Incorrect cipher key and IV length processing).
  * Revert the fix of
    CVE-2023-0001, it broke things.

 -- Somebody <s@example.org>  Mon, 23 Oct 2023 19:52:22 +0200

openssl (3.0.11-1) unstable; urgency=medium

  * Import 3.0.11
   - CVE-2023-4807
  * CVE-2023-0001 and
    CVE-2023-5363 (first attempt)

 -- Somebody <s@example.org>  Mon, 23 Sep 2023 19:52:22 +0200

openssl (0.9.7e-3) unstable; urgency=low

  * Fix CAN-2005-0001.
  * CVE-12-1 is no id, nor is CVE-2020-123

 -- Somebody <s@example.org>  Mon, 23 Sep 2005 19:52:22 +0200
"""
FIXES = (("CVE-2005-0001", "0.9.7e-3"), ("CVE-2023-4807", "3.0.11-1"), ("CVE-2023-5363", "3.0.11-1"))
DOC = "usr/share/doc/libssl3"


def changelog(data: bytes, name: str = "changelog.Debian.gz") -> list[Fact]:
    return list(debian_changelog.parse(File(f"{DOC}/{name}", data)))


def test_fixes_with_the_version_that_first_had_them() -> None:
    expected = [Changelog("deb", "libssl3", FIXES)]
    assert changelog(gzip.compress(CHANGELOG.encode())) == expected
    assert changelog(gzip.compress(CHANGELOG[:700].encode()) + gzip.compress(CHANGELOG[700:].encode()), "changelog.gz") == expected
    assert changelog(CHANGELOG.encode(), "changelog.Debian") == expected


def test_upstream_changelogs_tell_nothing() -> None:
    assert changelog(gzip.compress(b"Changes in 1.2.3\n  * Fix CVE-2020-12345\n"), "changelog.gz") == []


def test_a_changelog_that_cannot_be_inflated_is_told() -> None:
    packed = gzip.compress(CHANGELOG.encode())
    for data in (b"no gzip", packed[:-20]):
        assert [type(fact) for fact in changelog(data)] == [Problem]
    assert changelog(b"") == []


def test_a_bomb_is_told() -> None:
    bomb = gzip.compress(CHANGELOG.encode() + bytes(debian_changelog.MAX_BYTES))
    assert changelog(bomb) == [Problem(f"{DOC}/changelog.Debian.gz", f"not a readable changelog: more than {debian_changelog.MAX_BYTES} bytes")]


@given(st.binary(max_size=200))
def test_noise_never_raises(data: bytes) -> None:
    changelog(data)
    changelog(data, "changelog.Debian")
    changelog(gzip.compress(CHANGELOG.encode() + data))
    list(debian_copyright.parse(File(f"{DOC}/copyright", b"Format: x\nLicense:" + data)))


@pytest.mark.parametrize(
    ("synopsis", "expected"),
    [
        ("GPL-2+", ["GPL-2.0-or-later"]),
        ("GPL-2", ["GPL-2.0-only"]),
        ("LGPL-2.1+", ["LGPL-2.1-or-later"]),
        ("gpl-3.0+", ["GPL-3.0-or-later"]),
        ("GFDL-NIV-1.3+", ["GFDL-1.3-no-invariants-or-later"]),
        ("Expat", ["MIT"]),
        ("BSD-3-clause", ["BSD-3-Clause"]),
        ("public-domain", ["public-domain"]),
        ("GPL-2+ and Expat", ["GPL-2.0-or-later", "MIT"]),
        ("GPL-2+ or MPL-1.1", ["GPL-2.0-or-later OR MPL-1.1"]),
        ("GPL-2+ or Artistic-2.0, and Expat", ["GPL-2.0-or-later OR Artistic-2.0", "MIT"]),
        ("GPL-2 and Expat or ISC", ["GPL-2.0-only AND MIT OR ISC"]),
        ("BSD-4-clause-UC and/or GPL-3+", ["BSD-4-Clause-UC OR GPL-3.0-or-later"]),
        ("GPL-1+ or Artistic", ["GPL-1+ or Artistic"]),
        ("GPL-3+ with Bison exception", ["GPL-3+ with Bison exception"]),
        ("", []),
        ("x" * 5000, []),
        ("a" + " " * 1_000_000 + "b", []),
        ("a " * 999 + "b", []),
    ],
)
def test_what_a_license_field_names(synopsis: str, expected: list[str]) -> None:
    assert licences(synopsis) == expected


def test_a_machine_readable_copyright() -> None:
    text = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x

Files: *
Copyright: Somebody
License: GPL-2+
 The text, which says License: BSD and /usr/share/common-licenses/GPL-3.

Files: a
license:Expat

License: Expat
 Permission is hereby granted
"""
    assert list(debian_copyright.parse(File(f"{DOC}/copyright", text.encode()))) == [Licensed("deb", "libssl3", ("GPL-2.0-or-later", "MIT"))]


def test_a_copyright_in_prose_points_to_the_texts() -> None:
    text = b"See `/usr/share/common-licenses/GPL-2', /usr/share/common-licenses/Apache-2.0.\nLicense: nothing\n"
    assert list(debian_copyright.parse(File(f"{DOC}/copyright", text))) == [Licensed("deb", "libssl3", ("GPL-2", "Apache-2.0"))]
    assert list(debian_copyright.parse(File(f"{DOC}/copyright", b"Do as you like."))) == []


@pytest.mark.skipif(not Path("/usr/share/doc/base-files/copyright").exists(), reason="this machine is no Debian")
def test_the_documents_of_this_machine_are_read() -> None:
    changelogs = [path for path in sorted(Path("/usr/share/doc").glob("[a-l]*/changelog.Debian.gz"))[:40] if path.stat().st_size < 50_000]
    for path in changelogs:
        for fact in debian_changelog.parse(File(str(path)[1:], path.read_bytes())):
            assert isinstance(fact, Changelog)
            text = gzip.decompress(path.read_bytes()).decode(errors="replace")
            assert all(cve[4:] in text and f"({version})" in text for cve, version in fact.fixes)
