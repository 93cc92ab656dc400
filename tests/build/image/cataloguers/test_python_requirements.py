from pathlib import Path

import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.python_requirements import CATALOGUER, parse
from seawall.build.image.selection import Selection
from seawall.core.package import Package


def told(text: str | bytes, path: str = "requirements.txt") -> list[tuple[str, str]]:
    facts = list(parse(File(path, text.encode() if isinstance(text, str) else text)))
    assert all(isinstance(fact, Package) for fact in facts)
    return [(fact.name, fact.version) for fact in facts if isinstance(fact, Package)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("requests==2.32.3", ("requests", "2.32.3")),
        ("Requests [socks,security] == 2.32.3 ; python_version >= '3.8'", ("Requests", "2.32.3")),
        ("ruamel.yaml===0.18.6", ("ruamel.yaml", "0.18.6")),
        ("a (==1.0)", ("a", "1.0")),
        ("a==1.0,>=0.9", ("a", "1.0")),
        ("a==1!2.0.post1+local.1", ("a", "1!2.0.post1+local.1")),
        ("a==1.0 # the last good one", ("a", "1.0")),
        ("a==1.0 --hash=sha256:aa --hash=sha256:bb", ("a", "1.0")),
        ("a==1.0;sys_platform=='win32'", ("a", "1.0")),
        ("a==1.*", None),
        ("a>=1.0", None),
        ("a~=1.0", None),
        ("a!=1.0", None),
        ("a==1.0,==2.0", None),
        ("a==${VERSION}", None),
        ("a", None),
        ("a @ https://files.example/a-1.0.zip", None),
        ("https://files.example/a-1.0.zip#egg=a==1.0", None),
        ("git+https://git.example/a.git@v1.0#egg=a==1.0", None),
        ("-e ./a==1.0", None),
        ("-r other==1.0.txt", None),
        ("--index-url https://index.example/simple", None),
        ("# a==1.0", None),
        ("./a==1.0", None),
        ("a==1.0 or b", None),
    ],
)
def test_lines(line: str, expected: tuple[str, str] | None) -> None:
    assert told(line) == ([expected] if expected else [])


def test_continued_lines() -> None:
    assert told("a==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nb==\\\n2.0\nc==3.0 \\\n# a comment ends it\nd==4.0\\") == [
        ("a", "1.0"),
        ("b", "2.0"),
        ("c", "3.0"),
        ("d", "4.0"),
    ]


def test_as_uv_exports_it() -> None:
    data = (Path(__file__).parent / "fixtures/uv/requirements.txt").read_bytes()
    assert told(data) == [
        ("cachetools", "5.5.0"),
        ("click", "8.1.7"),
        ("colorama", "0.4.6"),
        ("importlib-metadata", "8.5.0"),
        ("pluggy", "1.5.0"),
        ("zipp", "4.1.2"),
    ]


def test_encodings() -> None:
    assert told("a==1.0".encode("utf-16")) == [("a", "1.0")]
    assert told("a==1.0".encode("utf-8-sig")) == [("a", "1.0")]
    assert list(parse(File("requirements.txt", b"a==1.0\nb\xff==1"))) == [Problem("requirements.txt", "not UTF-8 text", 2)]


def test_paths() -> None:
    selection = Selection([CATALOGUER])
    assert selection.of("app/requirements.txt")
    assert selection.of("app/requirements-dev.txt")
    assert selection.of("app/dev-requirements.txt")
    assert selection.of("app/requirements/base.txt")
    assert not selection.of("app/base.txt")
    assert told("a==1.0", "usr/lib/python3/dist-packages/thing/requirements.txt") == []
