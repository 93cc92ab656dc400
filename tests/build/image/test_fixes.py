"""CVE ids that changelogs say are fixed."""

import pytest

from seawall.build.image.fixes import fixes


@pytest.mark.parametrize(
    "text",
    [
        "Revert the fix for CVE-2020-12345",
        "reverted: CVE-2020-12345",
        "CVE-2020-12345 is not fixed yet",
        "CVE-2020-12345 has not been fixed",
        "Back out the patch for CVE-2020-12345",
        "still vulnerable to CVE-2020-12345",
        "leaves CVE-2020-12345 unfixed",
        "This doesn't fix CVE-2020-12345",
        "CVE-2020-12345 will not be fixed",
        "Drop the patch for CVE-2020-12345, it breaks things",
        "XCVE-2020-1",
        "CVE-2020-123",
    ],
)
def test_no_proof(text: str) -> None:
    assert fixes([("1", text)]) == ()
    if "12345" in text:
        assert fixes([("1", "Fix CVE-2020-12345"), ("2", text)]) == ()
        assert fixes([("1", "Fix CVE-2020-12345"), ("2", text), ("3", "CVE-2020-12345 again")]) == (("CVE-2020-12345", "3"),)


@pytest.mark.parametrize(
    "text",
    [
        "Fix CVE-2020-12345.",
        "CVE-2020-12345: overflow",
        "(CVE-2020-12345)",
        "{CVE-2020-12345}",
        "CVE-2020-12345.patch: drop, is upstream",
        "CAN-2020-12345",
    ],
)
def test_proof(text: str) -> None:
    assert fixes([("1", "nothing"), ("2", text), ("3", text)]) == (("CVE-2020-12345", "2"),)
