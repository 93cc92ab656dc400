"""Fields that an event does not carry, computed from those that it does.

A socket's name tells its ends (``10.0.0.5:41000->10.0.0.9:443``: client, then server), a path its directory, flags how a file is opened, the command
line its arguments. Nothing is guessed: what the parts do not tell stays absent.

Source: Falco's documentation of the fields.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from seawall.run.events.fields.types import SYSTEM_CALLS
from seawall.run.events.source import Value

Event = Mapping[str, Any]
Derive = Callable[[Event], Value | None]

ANCESTORS: Final = {
    # a field of the process, and the one of its parent
    "proc.aname": ("proc.name", "proc.pname"),
    "proc.aexe": ("proc.exe", "proc.pexe"),
    "proc.aexepath": ("proc.exepath", "proc.pexepath"),
    "proc.acmdline": ("proc.cmdline", "proc.pcmdline"),
    "proc.aargs": ("proc.args", "proc.pargs"),
    "proc.apid": ("proc.pid", "proc.ppid"),
    "proc.aenv": ("proc.env", ""),
}
_MAX_ANCESTORS: Final = 64


def any_ancestor(name: str) -> Derive:
    """The values of all ancestors: a comparison holds when it holds for one of them."""
    parent = ANCESTORS[name][1]

    def derive(event: Event) -> Value | None:
        values: list[Any] = []
        for number in range(1, _MAX_ANCESTORS):
            value = event.get(f"{name}[{number}]", event.get(parent) if number == 1 else None)
            if value is None and number > 2:
                break
            if value is not None:
                values.append(value)
        return tuple(values) or None

    return derive


def argument_of(name: str, argument: str | None) -> Derive | None:
    """Fields with an argument: an ancestor by number, an argument of the call, whether the event is of a type."""
    if name in ANCESTORS and argument in ("0", "1"):
        key = ANCESTORS[name][int(argument)]
        return lambda event: event.get(key)
    if argument == "1" and name.startswith("proc.a"):
        return None
    for stem in ("evt.arg", "evt.rawarg"):
        wanted = argument if name == stem else name[len(stem) + 1 :] if argument is None and name.startswith(stem + ".") else None
        if wanted:
            return lambda event: _argument(event, wanted)
    if name.startswith("evt.type.is"):
        kind = argument or name.removeprefix("evt.type.is.")
        return lambda event: int(event.get("evt.type") == kind)
    return None


_ARGUMENT: Final = re.compile(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)=(.*?)(?=\s[A-Za-z_][A-Za-z0-9_]*=|$)", re.DOTALL)


def _argument(event: Event, wanted: str) -> Value | None:
    """An argument by name or number, from the text of all (``fd=3 name=/etc/passwd flags=1(O_RDONLY)``)."""
    text = event.get("evt.args", event.get("evt.info"))
    if not isinstance(text, str):
        return None
    pairs = _ARGUMENT.findall(text)
    if wanted.isdecimal():
        return pairs[int(wanted)][1].rstrip() if int(wanted) < len(pairs) else None
    return next((value.rstrip() for key, value in pairs if key == wanted), None)


# Sockets

_ENDS: Final = re.compile(r"(\S+):(\d{1,5})->(\S+):(\d{1,5})").fullmatch
_ONE_END: Final = re.compile(r"(\S+):(\d{1,5})").fullmatch
_ACCEPTS: Final = ("accept", "accept4", "listen", "bind")


def _is_socket(event: Event) -> bool:
    kind, letter = event.get("fd.type"), event.get("fd.typechar")
    if kind is None and letter is None:
        name = event.get("fd.name")
        return isinstance(name, str) and not name.startswith("/") and ("->" in name or _ONE_END(name) is not None)
    return kind in ("ipv4", "ipv6") or letter in ("4", "6")


def _end(event: Event, group: int) -> str | None:
    """1 and 2 are the client's address and port, 3 and 4 the server's."""
    name = event.get("fd.name")
    if not isinstance(name, str) or not _is_socket(event):
        return None
    found = _ENDS(name)
    if found is not None:
        return found[group]
    alone = _ONE_END(name)
    return alone[group - 2] if alone is not None and group > 2 else None


def _of(key: str, group: int) -> Derive:
    return lambda event: event[key] if key in event else _end(event, group)


def _port(key: str, group: int) -> Derive:
    text = _of(key, group)

    def derive(event: Event) -> Value | None:
        value = text(event)
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    return derive


_CIP, _SIP = _of("fd.cip", 1), _of("fd.sip", 3)
_CPORT, _SPORT = _port("fd.cport", 2), _port("fd.sport", 4)


def _both(one: Derive, other: Derive) -> Derive:
    return lambda event: tuple(value for value in (one(event), other(event)) if value is not None) or None


def _serves(event: Event) -> bool | None:
    known = event.get("fd.is_server")
    if isinstance(known, bool):
        return known
    kind = event.get("evt.type")
    return True if kind in _ACCEPTS else False if kind == "connect" else None


def _side(server: Derive, client: Derive, *, local: bool) -> Derive:
    def derive(event: Event) -> Value | None:
        serves = _serves(event)
        if serves is None:
            return None
        return server(event) if serves is local else client(event)

    return derive


_LIP, _RIP = _side(_SIP, _CIP, local=True), _side(_SIP, _CIP, local=False)
_LPORT, _RPORT = _side(_SPORT, _CPORT, local=True), _side(_SPORT, _CPORT, local=False)


def _known(key: str, derive: Derive) -> Derive:
    return lambda event: event[key] if key in event else derive(event)


def _ips(event: Event) -> Value | None:
    ends = _both(_CIP, _SIP)(event)
    return ends or _both(lambda event: event.get("fd.lip"), lambda event: event.get("fd.rip"))(event)


def _ports(event: Event) -> Value | None:
    ends = _both(_CPORT, _SPORT)(event)
    return ends or _both(lambda event: event.get("fd.lport"), lambda event: event.get("fd.rport"))(event)


# Files

_LETTERS: Final = {
    "file": "f", "directory": "d", "ipv4": "4", "ipv6": "6", "unix": "u", "pipe": "p", "event": "e", "signalfd": "s", "eventpoll": "l",
    "inotify": "i", "timerfd": "t", "userfaultfd": "u", "bpf": "b", "io_uring": "r", "memfd": "m", "pidfd": "P",
}  # fmt: skip
_KINDS: Final = {letter: kind for kind, letter in _LETTERS.items() if kind != "userfaultfd"}
_OPENS: Final = ("open", "openat", "openat2", "open_by_handle_at", "creat")


def _path(event: Event) -> str | None:
    name = event.get("fd.name")
    letter = event.get("fd.typechar", _LETTERS.get(str(event.get("fd.type")), "f"))
    return name if isinstance(name, str) and name.startswith("/") and letter in ("f", "d") else None


def _directory(event: Event) -> str | None:
    path = _path(event)
    if path is None or event.get("fd.typechar") == "d" or event.get("fd.type") == "directory":
        return path
    return path.rpartition("/")[0] or "/"


def _filename(event: Event) -> str | None:
    path = _path(event)
    if path is None or event.get("fd.typechar") == "d" or event.get("fd.type") == "directory":
        return None
    return path.rpartition("/")[2]


def _flag(*flags: str) -> Derive:
    def derive(event: Event) -> Value | None:
        if event.get("evt.type") not in _OPENS:
            return False
        given = event.get("evt.arg.flags", event.get("evt.arg[flags]"))
        given = _argument(event, "flags") if given is None else given
        return isinstance(given, str) and any(flag in given for flag in flags)

    return derive


def _absolute(event: Event, path: Any) -> str | None:
    if not isinstance(path, str) or not path:
        return None
    if path.startswith("/"):
        return path
    cwd = event.get("proc.cwd")
    return f"{cwd.rstrip('/')}/{path}" if isinstance(cwd, str) and cwd.startswith("/") else None


def _raw_path(*names: str) -> Derive:
    def derive(event: Event) -> Value | None:
        for name in names:
            value = event.get(f"evt.arg.{name}", event.get(f"evt.arg[{name}]"))
            value = _argument(event, name) if value is None else value
            if isinstance(value, str) and value:
                return value
        return None

    return derive


def _made_absolute(key: str, raw: Derive) -> Derive:
    return lambda event: _absolute(event, event[key] if key in event else raw(event))


_NAME, _SOURCE, _TARGET = _raw_path("path", "name", "filename", "pathname"), _raw_path("oldpath", "target"), _raw_path("newpath", "linkpath")


def _path_name(event: Event) -> Value | None:
    found = _made_absolute("fs.path.nameraw", _NAME)(event)
    return _path(event) if found is None and event.get("evt.type") in _OPENS else found


# Processes and containers


def _joined(first: str, second: str) -> Derive:
    def derive(event: Event) -> Value | None:
        one, other = event.get(first), event.get(second)
        return f"{one} {other}".rstrip() if isinstance(one, str) and isinstance(other, str) else None

    return derive


def _arguments(event: Event) -> str | None:
    for line, first in (("proc.cmdline", "proc.name"), ("proc.exeline", "proc.exe")):
        text, begin = event.get(line), event.get(first)
        if isinstance(text, str) and isinstance(begin, str) and (text == begin or text.startswith(begin + " ")):
            return text[len(begin) + 1 :]
    return None


def _given_arguments(event: Event) -> str | None:
    found = event["proc.args"] if "proc.args" in event else _arguments(event)
    return found if isinstance(found, str) else None


def _number_of_arguments(event: Event) -> int | None:
    text = _given_arguments(event)
    return None if text is None else len(text.split())


def _length_of_arguments(event: Event) -> int | None:
    text = _given_arguments(event)
    return None if text is None else sum(map(len, text.split()))


def _image(event: Event) -> str | None:
    name, tag = event.get("container.image.repository"), event.get("container.image.tag")
    if not isinstance(name, str):
        return None
    return f"{name}:{tag}" if isinstance(tag, str) and tag else name


def _repository(event: Event) -> str | None:
    image = event.get("container.image")
    if not isinstance(image, str):
        return None
    name = image.partition("@")[0]
    colon = name.find(":", name.rfind("/") + 1)
    return name if colon < 0 else name[:colon]


def _tag(event: Event) -> str | None:
    image = event.get("container.image")
    name = image.partition("@")[0] if isinstance(image, str) else ""
    colon = name.find(":", name.rfind("/") + 1)
    return name[colon + 1 :] if colon >= 0 else None


def _failed(event: Event) -> bool | None:
    result, number = event.get("evt.res"), event.get("evt.rawres")
    if isinstance(number, int):
        return number < 0
    return result != "SUCCESS" if isinstance(result, str) else None


def _result(event: Event) -> str | None:
    number = event.get("evt.rawres")
    return "SUCCESS" if isinstance(number, int) and number >= 0 else None


def _ancestor(name: str) -> Derive:
    return lambda event: event.get(name)


DERIVED: Final[Mapping[str, Derive]] = {
    "evt.dir": lambda _: "<",  # entries are no longer made; the field says so of every event
    "evt.failed": _failed,
    "evt.res": _result,
    "evt.is_open_read": _flag("O_RDONLY", "O_RDWR"),
    "evt.is_open_write": _flag("O_WRONLY", "O_RDWR"),
    "evt.is_open_create": _flag("O_CREAT", "F_CREATED"),
    "evt.args": lambda event: event.get("evt.info"),
    "evt.info": lambda event: event.get("evt.args"),
    "syscall.type": lambda event: kind if (kind := event.get("evt.type")) in SYSTEM_CALLS else None,
    "fd.typechar": lambda event: _LETTERS.get(str(event.get("fd.type"))),
    "fd.type": lambda event: _KINDS.get(str(event.get("fd.typechar"))),
    "fd.directory": _directory,
    "fd.filename": _filename,
    "fd.cip": _CIP,
    "fd.sip": _SIP,
    "fd.lip": _LIP,
    "fd.rip": _RIP,
    "fd.ip": _ips,
    "fd.cport": _CPORT,
    "fd.sport": _SPORT,
    "fd.lport": _LPORT,
    "fd.rport": _RPORT,
    "fd.port": _ports,
    "fd.net": _known("fd.ip", _ips),
    "fd.cnet": _CIP,
    "fd.snet": _SIP,
    "fd.lnet": _known("fd.lip", _LIP),
    "fd.rnet": _known("fd.rip", _RIP),
    "fd.nameraw": lambda event: event.get("fd.name"),
    "fs.path.name": _path_name,
    "fs.path.nameraw": _NAME,
    "fs.path.source": _made_absolute("fs.path.sourceraw", _SOURCE),
    "fs.path.sourceraw": _SOURCE,
    "fs.path.target": _made_absolute("fs.path.targetraw", _TARGET),
    "fs.path.targetraw": _TARGET,
    "proc.args": _arguments,
    "proc.cmdline": _joined("proc.name", "proc.args"),
    "proc.exeline": _joined("proc.exe", "proc.args"),
    "proc.cmdnargs": _number_of_arguments,
    "proc.cmdlenargs": _length_of_arguments,
    "proc.pname": _ancestor("proc.aname[1]"),
    "proc.pexe": _ancestor("proc.aexe[1]"),
    "proc.pexepath": _ancestor("proc.aexepath[1]"),
    "proc.pcmdline": _ancestor("proc.acmdline[1]"),
    "proc.ppid": _ancestor("proc.apid[1]"),
    "container.id": lambda event: full[:12] if isinstance(full := event.get("container.full_id"), str) else None,
    "container.image": _image,
    "container.image.repository": _repository,
    "container.image.tag": _tag,
    "k8s.pod.id": lambda event: event.get("k8s.pod.uid"),
    "k8s.pod.uid": lambda event: event.get("k8s.pod.id"),
}
