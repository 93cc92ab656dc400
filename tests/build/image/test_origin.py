import pytest

from seawall.build.image.origin import from_git


@pytest.mark.parametrize(
    ("url", "commit", "address"),
    [
        ("https://git.example/a.git", "0a1b2c", "git+https://git.example/a.git@0a1b2c"),
        ("git+https://git.example/a.git", "", "git+https://git.example/a.git"),
        ("ssh://git@git.example/a.git", "0a", "git+ssh://git@git.example/a.git@0a"),
        ("https://me:secret@git.example/a.git", "0a", "git+https://git.example/a.git@0a"),
        ("https://token@git.example/a.git", "0a", "git+https://git.example/a.git@0a"),
        ("ssh://git:secret@git.example/a.git", "0a", "git+ssh://git.example/a.git@0a"),
        ("github:someone/thing", "0a", "git+https://github.com/someone/thing@0a"),
    ],
)
def test_addresses(url: str, commit: str, address: str) -> None:
    assert from_git(url, commit) == {"vcs_url": address}


def test_none() -> None:
    assert from_git("", "0a1b2c") == {}
