"""What each comparison means, by Falco's documentation of operators, fields and transformers."""

from typing import Any

import pytest

from seawall.run.detect.engine.patterns import glob_test, path_prefix_test, regex_test
from seawall.run.detect.engine.rows import matches, reader
from seawall.run.detect.language import compile_condition
from seawall.run.events.syscall.source import SyscallSource


def holds(text: str, event: dict[str, Any]) -> bool:
    condition, errors = compile_condition(text, source="syscall")
    assert condition is not None, errors
    assert not errors, errors
    source = SyscallSource()
    return matches(condition, reader(event, source), source.name)


SOCKET = {"fd.name": "10.0.0.5:41000->93.184.216.34:443", "fd.type": "ipv4", "evt.type": "connect"}


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        # Nothing compares with what is not there, and not of nothing is true.
        ("proc.name = sh", {}, False),
        ("proc.name != sh", {}, False),
        ("not proc.name = sh", {}, True),
        ("not proc.name != sh", {"proc.name": None}, True),
        ("proc.name in (sh)", {}, False),
        ("not proc.name in (sh)", {}, True),
        ("proc.name exists", {}, False),
        ("proc.name exists", {"proc.name": ""}, True),
        ("fd.num < 5", {}, False),
        # Texts
        ("proc.name = sh", {"proc.name": "sh"}, True),
        ("proc.name = sh", {"proc.name": "SH"}, False),
        ("proc.name contains as", {"proc.name": "bash"}, True),
        ("proc.name icontains AS", {"proc.name": "bash"}, True),
        ("proc.name contains AS", {"proc.name": "bash"}, False),
        ("proc.name startswith ba", {"proc.name": "bash"}, True),
        ("proc.name endswith sh", {"proc.name": "bash"}, True),
        ("proc.name in (sh, bash)", {"proc.name": "bash"}, True),
        ("proc.name glob b?s*", {"proc.name": "bash"}, True),
        ("proc.name glob 'B*'", {"proc.name": "bash"}, False),
        ("proc.name iglob 'B*'", {"proc.name": "bash"}, True),
        ("fd.name glob '/home/*/.ssh/*'", {"fd.name": "/home/a/b/.ssh/id"}, True),
        ("proc.name regex 'ba'", {"proc.name": "bash"}, False),
        ("proc.name regex 'ba.*'", {"proc.name": "bash"}, True),
        ("proc.name = 7", {"proc.name": 7}, True),
        ("proc.name = true", {"proc.name": True}, True),
        # Paths
        ("fd.name pmatch (/var/log, /etc)", {"fd.name": "/var/log/syslog"}, True),
        ("fd.name pmatch (/var/log, /etc)", {"fd.name": "/var/logs"}, False),
        ("fd.name pmatch (/var/log, /etc)", {"fd.name": "/etc"}, True),
        ("fd.name pmatch (/var/log)", {"fd.name": "/var"}, False),
        ("fd.name pmatch ('/home/*/.ssh')", {"fd.name": "/home/a/.ssh/id"}, True),
        # Numbers, however they are written
        ("fd.num = 16", {"fd.num": "0x10"}, True),
        ("fd.num in (1, 2)", {"fd.num": 2}, True),
        ("fd.num >= 3", {"fd.num": 10}, True),
        ("fd.num >= 3", {"fd.num": "10"}, True),
        ("fd.num >= 3", {"fd.num": "<NA>"}, False),
        ("user.loginuid = -1", {"user.loginuid": -1}, True),
        # Truth
        ("container.privileged = true", {"container.privileged": True}, True),
        ("container.privileged = true", {"container.privileged": "true"}, True),
        ("container.privileged != true", {"container.privileged": False}, True),
        # Addresses and networks; both ends of a connection
        ("fd.sip = 93.184.216.34", SOCKET, True),
        ("fd.cip = 10.0.0.5", SOCKET, True),
        ("fd.ip = 10.0.0.5", SOCKET, True),
        ("fd.ip != 10.0.0.5", SOCKET, False),
        ("fd.ip != 10.0.0.6", SOCKET, True),
        ("fd.net = 10.0.0.0/8", SOCKET, True),
        ("fd.snet = 10.0.0.0/8", SOCKET, False),
        ("fd.snet in (10.0.0.0/8, 93.0.0.0/8)", SOCKET, True),
        ("fd.port = 443", SOCKET, True),
        ("fd.sport = 443 and fd.cport = 41000", SOCKET, True),
        ("fd.rip = 93.184.216.34 and fd.lip = 10.0.0.5", SOCKET, True),
        ("fd.rip exists", {**SOCKET, "evt.type": "read"}, False),
        ("fd.sip = 2001:db8::1", {"fd.name": "::1:80->2001:db8:0::1:443", "fd.type": "ipv6"}, True),
        # Lists
        ("fd.types in (file, ipv4)", {"fd.types": ["file", "ipv4"]}, True),
        ("fd.types in (file)", {"fd.types": ["file", "ipv4"]}, False),
        ("fd.types intersects (file)", {"fd.types": ["file", "ipv4"]}, True),
        ("fd.types intersects (pipe)", {"fd.types": ["file", "ipv4"]}, False),
        ("fd.types in (file)", {"fd.types": []}, False),
        # Ancestors
        ("proc.aname = sshd", {"proc.pname": "bash", "proc.aname[2]": "sshd"}, True),
        ("proc.aname[2] = sshd", {"proc.aname[2]": "sshd"}, True),
        ("proc.aname[1] = bash", {"proc.pname": "bash"}, True),
        ("proc.aname in (cron, sshd)", {"proc.aname[3]": "cron", "proc.aname[2]": "a", "proc.pname": "b"}, True),
        # Modifiers
        ("proc.name startswith anyof (s, b)", {"proc.name": "bash"}, True),
        ("proc.name contains allof (a, s)", {"proc.name": "bash"}, True),
        ("proc.name contains allof (a, x)", {"proc.name": "bash"}, False),
        ("proc.name contains oneof (a, x)", {"proc.name": "bash"}, True),
        ("proc.name contains oneof (a, s)", {"proc.name": "bash"}, False),
        ("proc.name != allof (sh, zsh)", {"proc.name": "bash"}, True),
        # Transformers and values of the event
        ("tolower(proc.name) = bash", {"proc.name": "BASH"}, True),
        ("toupper(proc.name) = BASH", {"proc.name": "bash"}, True),
        ("basename(proc.exepath) = bash", {"proc.exepath": "/usr/bin/bash"}, True),
        ("len(proc.name) = 4", {"proc.name": "bash"}, True),
        ("len(fd.types) >= 2", {"fd.types": ["file", "ipv4"]}, True),
        ("b64(proc.name) = hello", {"proc.name": "aGVsbG8="}, True),
        ("b64(proc.name) = hello", {"proc.name": "aGVsbG8"}, True),
        ("b64(proc.name) exists", {"proc.name": "***"}, False),
        ("proc.name = val(proc.pname)", {"proc.name": "a", "proc.pname": "a"}, True),
        ("proc.name = val(proc.pname)", {"proc.name": "a"}, False),
        ("proc.name != val(proc.pname)", {"proc.name": "a"}, False),
        ("tolower(proc.name) = tolower(proc.pname)", {"proc.name": "A", "proc.pname": "a"}, True),
        ("concat(proc.name, ':', proc.pname) = 'a:b'", {"proc.name": "a", "proc.pname": "b"}, True),
        ("concat(proc.name, ':', proc.pname) exists", {"proc.name": "a"}, False),
        ("join(',', (proc.name, proc.pname)) = 'a,b'", {"proc.name": "a", "proc.pname": "b"}, True),
        ("evt.buffer bcontains 68656c6c", {"evt.buffer": "say hello"}, True),
        ("evt.buffer bstartswith 68656c6c", {"evt.buffer": "say hello"}, False),
        # Arguments, files, flags
        ("evt.arg.flags contains O_CREAT", {"evt.arg.flags": "O_CREAT|O_WRONLY"}, True),
        ("evt.arg.flags contains O_CREAT", {"evt.arg[flags]": "O_CREAT"}, True),
        ("evt.arg.name = /etc/passwd", {"evt.args": "fd=3(<f>/etc/passwd) name=/etc/passwd flags=1(O_RDONLY)"}, True),
        ("evt.is_open_write = true", {"evt.type": "openat", "evt.arg.flags": "O_WRONLY"}, True),
        ("evt.is_open_read = true", {"evt.type": "openat", "evt.arg.flags": "O_WRONLY"}, False),
        ("fd.directory = /etc and fd.filename = shadow", {"fd.name": "/etc/shadow", "fd.typechar": "f"}, True),
        ("fd.directory = /", {"fd.name": "/shadow"}, True),
        ("fd.typechar = 4", SOCKET, True),
        ("proc.args = '-i -x'", {"proc.name": "bash", "proc.cmdline": "bash -i -x"}, True),
        ("container.image.repository = localhost:5000/a", {"container.image": "localhost:5000/a:1"}, True),
        ("evt.type.is.open = 1", {"evt.type": "open"}, True),
    ],
)
def test_meaning(text: str, event: dict[str, Any], expected: bool) -> None:
    assert holds(text, event) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True), ("a*b", "a/b", True), ("[a-c]x", "bx", True), ("[!a-c]x", "bx", False), ("[]]", "]", True), ("[", "[", True),
        (r"\*", "*", True), (r"\*", "a", False), ("@(a|b)c", "bc", True), ("+(ab)", "abab", True), ("?(a)b", "b", True), ("!(a)", "b", True),
        ("!(a)", "a", False), ("[[:digit:]]*", "7x", True), ("a.b", "axb", False), ("*(", "x(", True), ("é?", "éa", True), ("[a&&b]", "&", True),
    ],
)  # fmt: skip
def test_globs(pattern: str, text: str, expected: bool) -> None:
    assert glob_test(pattern)(text) is expected


def test_many_stars_take_no_time() -> None:
    assert not glob_test("*" * 200 + "x")("a" * 2000)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[[:alpha:]]+", "abc", True), ("[[:alpha:][:digit:]]+", "a1", True), (r"\Qa.b\E", "axb", False), (r"\Qa.b\E", "a.b", True),
        (r"a\z", "a", True),
        ("[[]", "[", True), ("[]a]", "]", True), (r"\d+", "\u0661", False), ("(?i)ABC", "abc", True), ("a$", "a\n", False), ("[^]]", "]", False),
    ],
)  # fmt: skip
def test_expressions_of_re2(pattern: str, text: str, expected: bool) -> None:
    assert regex_test(pattern)(text) is expected


def test_the_root_holds_every_path() -> None:
    assert path_prefix_test(["/"])("/a/b")
    assert not path_prefix_test([])("/a")
