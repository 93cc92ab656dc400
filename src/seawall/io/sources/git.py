"""What changed in a Git work tree."""

import os
import subprocess

from seawall.core.errors import UsageError


def changed_since(revision: str, directory: str) -> frozenset[str]:
    """Absolute paths of the files that differ from ``revision``, in commits, in the index or in the work tree, untracked ones included.

    Raises ``UsageError`` where there is no Git, no work tree, or no such revision.
    """
    if revision.startswith("-"):
        raise UsageError(f"{revision!r} is no revision")
    top = _git(directory, "rev-parse", "--show-toplevel").rstrip("\n")
    names = _git(top, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", revision, "--")
    untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    return frozenset(os.path.realpath(os.path.join(top, name)) for name in (names + untracked).split("\0") if name)


def _git(directory: str, *arguments: str) -> str:
    try:
        run = subprocess.run(["git", "-C", directory, *arguments], capture_output=True, text=True, errors="surrogateescape", timeout=60, check=True)
    except FileNotFoundError:
        raise UsageError("--changed-since needs git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise UsageError("git did not answer within a minute") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["git failed"]
        raise UsageError(f"--changed-since: {lines[0].removeprefix('fatal: ')}") from None
    return run.stdout
