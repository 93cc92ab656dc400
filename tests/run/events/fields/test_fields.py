"""The tables of fields, and which comparisons fit them."""

import pytest

from seawall.run.detect.language import compile_condition
from seawall.run.events import fields
from seawall.run.events.fields import Argument


@pytest.mark.parametrize("source", fields.SOURCES)
def test_every_field_stands_once_and_says_what_it_is(source: str) -> None:
    names = [info.name for info in fields.SOURCES[source]]
    assert len(names) == len(set(names))
    assert all(info.description for info in fields.SOURCES[source])


def test_arguments_behind_a_dot() -> None:
    found = fields.find("evt.arg.flags", "syscall")
    assert found is not None
    assert (found[0].name, found[0].argument, found[1]) == ("evt.arg", Argument.DOTTED, "flags")
    assert fields.find("proc.name.x") is None
    assert fields.find("ka.verb", "syscall") is None
    assert fields.find("evt.num", "k8s_audit") is not None


FITTING = [
    "evt.arg.fd = 3",
    "evt.arg[0] = a",
    "evt.rawarg.flags > 3",
    "evt.type in (open, openat2, execveat, container)",
    "evt.rawres < 0",
    "evt.is_open_read = true",
    "evt.buffer contains abc",
    "evt.buffer bcontains CAFEBABE",
    "proc.aname = a",
    "proc.aname[2] in (a)",
    "proc.name > 5",
    "proc.env[PATH] exists",
    "proc.pid in (1, 0x10)",
    "proc.duration >= 5000000000",
    "proc.fdusage < 0.5",
    "thread.cgroup.cpu = a",
    "fd.sport = 22",
    "fd.sport in (22, 443)",
    "fd.sip = 10.0.0.1",
    "fd.sip != '::1'",
    "fd.snet in (10.0.0.0/8, '2001:db8::/32')",
    "fd.types[0] in (file)",
    "container.mount.dest[/proc] exists",
    "k8s.pod.label.app = a",
    "user.loginuid = -1",
    "ka.user.groups intersects (a)",
    "ka.req.pod.containers.image[0] in (a)",
    "ka.uri.param[limit] = 5",
    "json.value[/a/b] = c",
    "jevt.value[/a] exists",
    "len(proc.args) > 3",
    "len(ka.user.groups) = 0",
    "join(',', ka.user.groups) contains a",
    "concat(proc.name, ':', fd.name) = a",
    "tolower(basename(proc.exe)) = a",
    "getopt(proc.args, 'ab:')[b] = c",
    "getopt(proc.args, 'ab:') intersects (a)",
    "b64(evt.buffer) contains a",
    "proc.name = val(proc.pname)",
    "proc.pid = val(proc.ppid)",
    "proc.name regex '^[a-z]+[.]sh$'",
    "proc.name startswith oneof (a, b)",
]

MISFITS = [
    ("proc.nme = a", "did you mean proc.name"),
    ("evt.arg = a", "needs an argument"),
    ("ka.uri.param = a", "needs an argument"),
    ("proc.name[1] = a", "takes no argument"),
    ("proc.aname[x] = a", "is a number"),
    ("proc.pid contains 5", "cannot compare"),
    ("proc.pid = abc", "no whole number"),
    ("user.uid = -1", "positive"),
    ("fd.num = 1.5", "no whole number"),
    ("evt.is_open_read = yes", "neither true nor false"),
    ("evt.is_open_read > 1", "cannot compare"),
    ("fd.sip = 10.0.0", "no IP address"),
    ("fd.sip = 10.0.0.0/8", "fd.snet"),
    ("fd.sip startswith 10", "cannot compare"),
    ("fd.snet = 10.0.0.0", "no IP network"),
    ("fd.sport = nosuchservice", "port"),
    ("evt.buffer glob a", "cannot compare"),
    ("evt.buffer bcontains XY", "hexadecimal"),
    ("proc.name bcontains CAFE", "cannot compare"),
    ("ka.user.groups = a", "many values"),
    ("evt.type = opeen", "did you mean open"),
    ("proc.name regex '['", "no regular expression"),
    ("tolower(proc.pid) = a", "works on strings"),
    ("tolower(proc.aname[1]) = a", "cannot be transformed"),
    ("tolower('a') = a", "needs a field"),
    ("tolower(proc.name, proc.exe) = a", "one argument"),
    ("len(proc.pid) > 1", "measures"),
    ("join(',', proc.name) = a", "is a list"),
    ("join(proc.name) = a", "separator"),
    ("concat(proc.name) = a", "at least two"),
    ("concat(proc.name, proc.pid) = a", "joins strings"),
    ("getopt(proc.args) = a", "known options"),
    ("getopt(proc.args, 'a')[ab] = a", "one option letter"),
    ("tolower(proc.name)[a] = b", "only getopt()"),
    ("proc.name = val(proc.pid)", "one type"),
    ("proc.name = val(proc.aname[1])", "left side"),
    ("proc.name glob val(proc.exe)", "written down"),
    ("proc.name in (" + "a" * 1024 + ")", "characters"),
    ("nothing", "no macro"),
]


@pytest.mark.parametrize("text", FITTING)
def test_comparisons_that_fit(text: str) -> None:
    assert compile_condition(text)[1] == []


@pytest.mark.parametrize(("text", "says"), MISFITS)
def test_comparisons_that_do_not_fit_say_why(text: str, says: str) -> None:
    problems = compile_condition(text)[1]
    assert len(problems) == 1
    assert says in problems[0].message
    assert (problems[0].line, problems[0].column > 0) == (1, True)
    assert compile_condition(text, syntax_only=True)[1] == []


def test_fields_belong_to_sources() -> None:
    assert compile_condition("ka.verb = get", source="k8s_audit")[1] == []
    assert "k8s_audit events, not of syscall" in compile_condition("ka.verb = get", source="syscall")[1][0].message
