"""What a walk finds: the files that Git would not ignore, in a stable order, and an error for each that cannot be read; and it always ends."""

import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.io.sources.ignore import Ignore
from seawall.io.sources.limits import MAX_DIRECTORY_DEPTH, MAX_FILES, MAX_IGNORE_BYTES
from seawall.io.sources.walk import walk


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


def found(root: Path) -> list[str]:
    """The files below ``root``, and the errors, each in the form ``path: message``."""
    items = [str(item) for item in walk(str(root))]
    return [item.removeprefix(f"{root}/") for item in items]


def test_manifests_in_a_stable_order(tmp_path: Path) -> None:
    tree(tmp_path, "b.yaml", "a/z.yml", "a/y.json", "a.yaml", "c.txt", "yaml", "d.yaml.bak", ".hidden.yaml", ".git/x.yaml", "sub/.git/x.yaml")
    assert found(tmp_path) == [".hidden.yaml", "a/y.json", "a/z.yml", "a.yaml", "b.yaml"]


def test_the_path_is_that_of_the_directory_as_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "deploy/a.yaml")
    monkeypatch.chdir(tmp_path)
    assert [list(walk(name)) for name in (".", "deploy", "deploy/", "../" + tmp_path.name)] == [
        ["./deploy/a.yaml"], ["deploy/a.yaml"], ["deploy/a.yaml"], [f"../{tmp_path.name}/deploy/a.yaml"],
    ]  # fmt: skip


# Links


def test_links_are_followed_once(tmp_path: Path) -> None:
    tree(tmp_path / "top", "real/a.yaml")
    tree(tmp_path / "elsewhere", "b.yaml")
    top = tmp_path / "top"
    (top / "again").symlink_to("real")
    (top / "outside").symlink_to("../elsewhere")
    (top / "real" / "up").symlink_to("..")
    (top / "self").symlink_to(".")
    (top / "a-link.yaml").symlink_to("real/a.yaml")
    assert found(top) == ["a-link.yaml", "again/a.yaml", "outside/b.yaml"]


def test_a_link_upwards_does_not_leave_the_walk(tmp_path: Path) -> None:
    tree(tmp_path, "secret.yaml", "top/a.yaml")
    (tmp_path / "top" / "root").symlink_to("/")
    (tmp_path / "top" / "parent").symlink_to("..")
    assert found(tmp_path / "top") == ["a.yaml"]


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "dangling.yaml").symlink_to("absent")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling").symlink_to("absent")
    (tmp_path / "ping").symlink_to("pong")
    (tmp_path / "pong").symlink_to("ping")
    assert found(tmp_path) == ["dangling.yaml: no such file or directory", "loop.yaml: too many levels of symbolic links"]


# What is no file, and what cannot be read


def test_what_is_no_file_is_an_error_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo(tmp_path / "fifo.yaml")
    os.mkfifo(tmp_path / "fifo")
    os.mkfifo(tmp_path / ".gitignore")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    tree(tmp_path, "dir.yaml/a.yaml")
    assert found(tmp_path) == [
        ".gitignore: is no regular file; nothing is ignored here",
        "device.yaml: is no regular file; not read",
        "dir.yaml/a.yaml",
        "fifo.yaml: is no regular file; not read",
        "socket.yaml: is no regular file; not read",
    ]


def test_names_may_hold_anything(tmp_path: Path) -> None:
    names = [b"new\nline.yaml", b"\xff\xfe.yaml", b"\x1b[31m.yaml", "é😀.yaml".encode(), b" .yaml", b"-.yaml"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write("x")
    assert sorted(os.fsencode(os.path.basename(str(path))) for path in walk(str(tmp_path))) == sorted(names)


def test_a_directory_that_vanished(tmp_path: Path) -> None:
    for name in ("absent", "absent/below/it"):
        assert found(tmp_path / name) == [f"{tmp_path}/{name}: no such file or directory"]


@pytest.mark.skipif(
    os.getuid() == 0 and not shutil.which("setpriv"), reason="permissions do not bind root, and there is no setpriv to become another"
)
def test_a_directory_that_may_not_be_read(tmp_path: Path) -> None:
    """In a process of an ordinary user, as permissions do not bind root."""
    tree(tmp_path, "open/a.yaml", "shut/b.yaml", "also/c.yaml", "also/.gitignore")
    os.chmod(tmp_path / "shut", 0)
    os.chmod(tmp_path / "also" / ".gitignore", 0)
    program = f"from seawall.io.sources.walk import walk\nfor item in walk({str(tmp_path)!r}): print(item)"
    command = [sys.executable, "-c", program]
    if os.getuid() == 0:
        for path in (tmp_path, *tmp_path.parents[:2]):
            os.chmod(path, 0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    os.chmod(tmp_path / "shut", 0o755)
    if os.getuid() == 0 and "Permission denied" in run.stderr + run.stdout and "a.yaml" not in run.stdout:
        pytest.skip("an ordinary user may not run this Python")
    lines = [line.removeprefix(f"{tmp_path}/") for line in run.stdout.splitlines()]
    assert lines == ["also/.gitignore: permission denied; nothing is ignored here", "also/c.yaml", "open/a.yaml", "shut: permission denied"]


# Limits


def test_directories_without_end(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(MAX_DIRECTORY_DEPTH + 30):
        path = path / "d"
    path.mkdir(parents=True)
    tree(path, "deep.yaml")
    tree(tmp_path, "e.yaml")
    deepest = "/".join(["d"] * (MAX_DIRECTORY_DEPTH + 1))
    assert found(tmp_path) == [f"{deepest}: more than {MAX_DIRECTORY_DEPTH} directories deep; not entered", "e.yaml"]


def test_paths_longer_than_the_system_takes(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_DIRECTORY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    tree(tmp_path, "e.yaml")
    *errors, last = found(tmp_path)
    assert last == "e.yaml"
    assert [error.rpartition(": ")[2] for error in errors] == ["file name too long"]
    subprocess.run(["rm", "-rf", tmp_path], check=True)


def test_more_files_than_anybody_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.io.sources.walk.MAX_FILES", 3)
    tree(tmp_path, *(f"{name}/{name}.yaml" for name in "abcdef"))
    assert found(tmp_path) == ["a/a.yaml", "b/b.yaml", "c/c.yaml", "d/d.yaml: more than 3 files; the rest was not scanned"]
    assert MAX_FILES >= 100_000


# Ignoring


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([], ["a.yaml", "b.yaml", "sub/a.yaml", "sub/deep/a.yaml"]),
        (["a.yaml"], ["b.yaml"]),
        (["/a.yaml"], ["b.yaml", "sub/a.yaml", "sub/deep/a.yaml"]),
        (["sub/a.yaml"], ["a.yaml", "b.yaml", "sub/deep/a.yaml"]),
        (["*.yaml", "!b.yaml"], ["b.yaml"]),
        (["sub/", "!sub/a.yaml"], ["a.yaml", "b.yaml"]),  # nothing comes back out of a directory that is ignored
        (["sub/*", "!sub/deep"], ["a.yaml", "b.yaml", "sub/deep/a.yaml"]),
        (["**/deep"], ["a.yaml", "b.yaml", "sub/a.yaml"]),
        (["sub/**"], ["a.yaml", "b.yaml"]),
        (["# a.yaml", "", "  ", "\\#", "[", "!"], ["a.yaml", "b.yaml", "sub/a.yaml", "sub/deep/a.yaml"]),
        (["a.yaml   \r"], ["b.yaml"]),
        (["[ab].yaml", "![!b].yaml"], ["a.yaml", "sub/a.yaml", "sub/deep/a.yaml"]),
    ],
)
def test_patterns(tmp_path: Path, lines: list[str], kept: list[str]) -> None:
    tree(tmp_path, "a.yaml", "b.yaml", "sub/a.yaml", "sub/deep/a.yaml")
    (tmp_path / ".gitignore").write_text("\n".join(lines))
    assert found(tmp_path) == kept


def test_the_nearest_file_with_an_opinion_decides(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "sub/a.yaml", "sub/b.yaml", "other/a.yaml")
    (tmp_path / ".gitignore").write_text("a.yaml\n")
    (tmp_path / "sub" / ".gitignore").write_text("!a.yaml\nb.yaml\n")
    (tmp_path / "sub" / ".seawallignore").write_text("!b.yaml\n")
    assert found(tmp_path) == ["sub/a.yaml", "sub/b.yaml"]


def test_a_part_of_a_working_tree_is_ignored_as_in_the_whole(tmp_path: Path) -> None:
    tree(tmp_path, "work/deploy/made/a.yaml", "work/deploy/b.yaml", "work/deploy/c.yaml")
    (tmp_path / ".gitignore").write_text("*.yaml\n")  # outside of the working tree
    (tmp_path / "work" / ".gitignore").write_text("deploy/made/\n/deploy/b.yaml\n")
    assert found(tmp_path / "work" / "deploy") == ["b.yaml", "c.yaml", "made/a.yaml"]
    (tmp_path / "work" / ".git").mkdir()
    assert found(tmp_path / "work" / "deploy") == ["c.yaml"]
    assert found(tmp_path / "work") == ["deploy/c.yaml"]
    assert found(tmp_path / "work" / "deploy" / "made") == ["a.yaml"]  # who names it wants it


def test_a_pattern_file_that_is_no_pattern_file(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "sub/a.yaml", "third/a.yaml")
    (tmp_path / ".gitignore").mkdir()
    (tmp_path / "sub" / ".gitignore").write_text("a.yaml\n" * (MAX_IGNORE_BYTES // 7 + 1))
    (tmp_path / "third" / ".gitignore").write_bytes(b"\xef\xbb\xbfa.yaml\n\xff\0\n")
    assert found(tmp_path) == [
        ".gitignore: is no regular file; nothing is ignored here",
        "a.yaml",
        f"sub/.gitignore: over the limit of {MAX_IGNORE_BYTES // 1024} KiB; nothing is ignored here",
        "sub/a.yaml",
    ]


def test_no_pattern_takes_long() -> None:
    """Any of these takes a backtracking matcher longer than the universe has been there."""
    name = "a" * 255
    for pattern in ("*a" * 60 + "b", "?*" * 100 + "b", "[a-z]*" * 60 + "b", "*" * 250 + "b", "**a" * 60):
        assert Ignore(pattern).verdict(["d", name], is_directory=False) is (True if pattern.endswith("a") else None)
    assert Ignore("/" + "**/a/" * 60 + "b").verdict(["a"] * 100, is_directory=False) is None


NAMES = ["a", "b", "ab", "a b", "[a]", "a.b", "!a", "#a", "\\a", "-", "a-c", "*"]
PIECES = [
    "a",
    "b",
    "*",
    "**",
    "?",
    "/",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-c]",
    "[c-a]",
    "[]a]",
    "[a-]",
    "[[:alpha:]]",
    "[[:x:]]",
    "\\a",
    "\\*",
    "!",
    "#",
    " ",
    "-",
]


@pytest.mark.skipif(not shutil.which("git"), reason="Git is not installed, so there is nothing to compare with")
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_git_ignores_the_same(seed: int) -> None:
    """Brackets and backslashes before a slash are left out: what they mean there is Git's own affair."""
    choose = random.Random(seed)
    root = Path(os.environ.get("TMPDIR", "/tmp")) / f"seawall-ignore-{os.getpid()}"
    shutil.rmtree(root, ignore_errors=True)
    try:
        subprocess.run(["git", "init", "-q", root], check=True)
        for _ in range(12):
            path = root.joinpath(*(choose.choice(NAMES) for _ in range(choose.randint(1, 3))))
            if not any(parent.is_file() for parent in path.parents) and not path.exists():
                tree(root, str(path.relative_to(root)))
        directories = [directory for directory, _, _ in os.walk(root) if ".git" not in directory]
        for directory in {str(root), choose.choice(directories)}:
            patterns = ("".join(choose.choice(PIECES) for _ in range(choose.randint(1, 5))) for _ in range(choose.randint(1, 4)))
            Path(directory, ".gitignore").write_text("\n".join(patterns) + choose.choice(["", "\n", "\r\n"]))
        listing = subprocess.run(["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=root, capture_output=True, check=True)
        theirs = {name for name in os.fsdecode(listing.stdout).split("\0") if name and not name.endswith(".gitignore")}
        ours = {os.path.relpath(item, root) for item in walk(str(root), ("",)) if not isinstance(item, InputError)}
        assert {name for name in ours if not name.endswith(".gitignore")} == theirs
    finally:
        shutil.rmtree(root, ignore_errors=True)
