"""``rebar.lock``: Erlang terms, as rebar3 writes them.

    {"1.2.0",
    [{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},
     {<<"fork">>,{git,"https://github.com/example/fork.git",{ref,"<commit>"}},0}]}.

The package's name in Hex is the one inside ``pkg``. Who needs whom is not told. What comes from a repository has a commit and no version.

Source: rebar3's documentation, "Dependencies", and rebar_config (write_lock_file); the purl type ``hex``.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, text_of
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_BINARY: Final = r'<<"([^"\n]*)">>'
_ENTRY: Final = re.compile(
    rf'\{{\s*{_BINARY}\s*,\s*\{{\s*(?:pkg\s*,\s*{_BINARY}\s*,\s*{_BINARY}|git\s*,\s*"([^"\n]*)"\s*,\s*\{{\s*ref\s*,\s*"([^"\n]*)")'
)


def parse(file: File) -> Facts:
    try:
        text = text_of(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(text))
    if not _ENTRY.search(text) and "[]" not in text and text.strip():
        yield Problem(file.path, "no lockfile as rebar3 writes it")


def _packages(text: str) -> Iterator[Package]:
    for entry in _ENTRY.finditer(text):
        application, name, version, address, commit = entry.groups()
        if name:
            yield Package(type="hex", name=name, version=version)
        elif application:
            yield Package(type="hex", name=application, version="", qualifiers=from_git(address, commit))


CATALOGUER: Final = Cataloguer("erlang-rebar-lock", parse, ("rebar.lock",), installed=False)
