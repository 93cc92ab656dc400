"""The distribution: os-release as a shell reads it, and the files that were there before it."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Fact, File, Problem
from seawall.build.image.cataloguers import os_release
from seawall.core.package import Distro


def parse(path: str, text: str) -> Fact:
    [fact] = os_release.parse(File(path, text.encode(errors="surrogateescape")))
    return fact


def test_os_release() -> None:
    text = """# a comment
NAME="Rocky Linux"
PRETTY_NAME="Rocky Linux 9.3 (\\"Blue\\" \\$onyx)"
VERSION_ID='9.3'
ID=rocky
ID_LIKE="rhel centos fedora"
VERSION_CODENAME=
  HOME_URL=https://rockylinux.org/   # a comment
"""
    expected = Distro("rocky", "9.3", "", ("rhel", "centos", "fedora"), 'Rocky Linux 9.3 ("Blue" $onyx)')
    assert parse("etc/os-release", text) == expected
    assert parse("usr/lib/os-release", text.replace("\n", "\r\n")) == expected


def test_the_last_assignment_counts_and_the_id_may_be_missing() -> None:
    assert parse("etc/os-release", "ID=a\nID=B\nVERSION_ID=1\n") == Distro("b", "1")
    assert parse("etc/os-release", 'NAME="Some Linux"\n') == Distro("linux", name="Some Linux")


@pytest.mark.parametrize("text", ["# nothing\n", "hello world\n", "=\n"])
def test_no_distribution(text: str) -> None:
    assert parse("etc/os-release", text) == Problem("etc/os-release", "tells no distribution")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("etc/alpine-release", "3.19.1\n", Distro("alpine", "3.19.1")),
        ("etc/alpine-release", "3.20.0_alpha20240329\n", Distro("alpine", "3.20.0_alpha20240329")),
        ("etc/debian_version", "12.4\n", Distro("debian", "12")),
        ("etc/debian_version", "6.0.10\n", Distro("debian", "6")),
        ("etc/debian_version", "trixie/sid\n", Distro("debian", codename="trixie")),
        (
            "etc/redhat-release",
            "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n",
            Distro("rhel", "7.9", name="Red Hat Enterprise Linux Server release 7.9 (Maipo)"),
        ),
        ("etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n", Distro("centos", "7", name="CentOS Linux release 7.9.2009 (Core)")),
        ("etc/redhat-release", "CentOS release 6.10 (Final)\n", Distro("centos", "6", name="CentOS release 6.10 (Final)")),
        ("etc/redhat-release", "Fedora release 39 (Thirty Nine)\n", Distro("fedora", "39", name="Fedora release 39 (Thirty Nine)")),
        (
            "etc/redhat-release",
            "AlmaLinux release 8.9 (Midnight Oncilla)\n",
            Distro("almalinux", "8.9", name="AlmaLinux release 8.9 (Midnight Oncilla)"),
        ),
        ("etc/oracle-release", "Oracle Linux Server release 6.10\n", Distro("ol", "6.10", name="Oracle Linux Server release 6.10")),
        ("etc/system-release", "Amazon Linux AMI release 2018.03\n", Distro("amzn", "2018.03", name="Amazon Linux AMI release 2018.03")),
        ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", Distro("amzn", "2", name="Amazon Linux release 2 (Karoo)")),
        ("etc/photon-release", "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=x\n", Distro("photon", "4.0", name="VMware Photon OS 4.0")),
        (
            "etc/SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
            Distro("sles", "11.4", name="SUSE Linux Enterprise Server 11 (x86_64)"),
        ),
        ("etc/arch-release", "", Distro("arch")),
        (
            "etc/lsb-release",
            'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\nDISTRIB_CODENAME=focal\nDISTRIB_DESCRIPTION="Ubuntu 20.04.6 LTS"\n',
            Distro("ubuntu", "20.04", "focal", name="Ubuntu 20.04.6 LTS"),
        ),
    ],
)
def test_the_files_before_os_release(path: str, text: str, expected: Fact) -> None:
    assert parse(path, text) == expected


@pytest.mark.parametrize(
    ("path", "text"), [("etc/redhat-release", "Some Other Thing release 1\n"), ("etc/debian_version", "\n"), ("etc/os-release", "")]
)
def test_files_that_tell_nothing(path: str, text: str) -> None:
    assert list(os_release.parse(File(path, text.encode()))) == []


words = st.lists(
    st.one_of(
        st.text("abcXYZ019.-_:/+ü%,@", min_size=1, max_size=5),
        st.text('ab c#;&|<>()$`\\"\n*?', max_size=6).map(lambda text: f"'{text}'"),
        st.text("ab c#;&|<>()'*?\n", max_size=6).map(lambda text: f'"{text}"'),
        st.sampled_from([r'"\""', r'"\$x"', r'"\`"', r'"\\"', r'"\n"', r"\$", r"\ ", r"\\", "\\'", r"\#"]),
    ),
    max_size=4,
).map("".join)


@pytest.mark.skipif(not shutil.which("sh"), reason="no sh")
@given(words)
@settings(max_examples=100)
def test_values_are_what_a_shell_makes_of_them(word: str) -> None:
    text = f"FIRST=1\nVALUE={word}\nLAST=2\n"
    script = f'set -f\n{text}printf "%s\\0%s\\0%s" "$FIRST" "$VALUE" "$LAST"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode(errors="surrogateescape")
    values = os_release.assignments(text)
    assert [values.get(name, "") for name in ("FIRST", "VALUE", "LAST")] == said.split("\0")


@given(st.sampled_from(os_release.OS_RELEASE.paths), st.binary(max_size=200))
def test_noise_never_raises(path: str, data: bytes) -> None:
    assert len(list(os_release.parse(File(path, data)))) <= 1
