"""Credentials files and helper programs: which of them wins, and that what is secret stays so."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from seawall.core.errors import InputError
from seawall.io.sources.registry import credentials as module
from seawall.io.sources.registry.credentials import Credentials, Found, find_credentials


def entry(username: str, password: str = "geheim") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def helper(directory: Path, name: str, script: str) -> None:
    path = write(directory / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def user(tmp_path: Path, content: Any, registry: str = "r.example", repository: str = "team/app", **environment: str) -> str:
    """The name that is found in one file."""
    path = write(tmp_path / "auth.json", content)
    found = find_credentials(registry, repository, auth_file=str(path), environment=environment)
    return found.credentials.username if found.credentials else ""


# Files


def test_the_order_of_files(tmp_path: Path) -> None:
    home, docker, runtime, config, chosen = (tmp_path / name for name in ("home", "docker", "run", "config", "chosen.json"))
    environment = {"HOME": str(home)}

    def found() -> str:
        credentials = find_credentials("r.example", "app", environment=environment).credentials
        return credentials.username if credentials else ""

    assert found() == ""
    write(home / ".docker/config.json", {"auths": {"r.example": entry("docker-home")}})
    assert found() == "docker-home"
    write(home / ".config/containers/auth.json", {"auths": {"r.example": entry("containers-home")}})
    assert found() == "containers-home"
    environment["XDG_CONFIG_HOME"] = str(config)
    assert found() == "docker-home"
    environment["XDG_RUNTIME_DIR"] = str(runtime)
    write(runtime / "containers/auth.json", {"auths": {"r.example": entry("runtime")}})
    assert found() == "runtime"
    environment["DOCKER_CONFIG"] = str(docker)
    assert found() == "runtime"
    write(docker / "config.json", {"auths": {"r.example": entry("docker-config")}})
    assert found() == "docker-config"
    environment["REGISTRY_AUTH_FILE"] = str(chosen)
    assert found() == ""
    write(chosen, {"auths": {"r.example": entry("chosen")}})
    assert found() == "chosen"


def test_a_file_without_the_registry_leaves_it_to_the_next(tmp_path: Path) -> None:
    write(tmp_path / ".config/containers/auth.json", {"auths": {"other.example": entry("ann"), "r.example": {}}})
    write(tmp_path / ".docker/config.json", {"auths": {"r.example": entry("bob")}})
    found = find_credentials("r.example", "app", environment={"HOME": str(tmp_path)})
    assert found == Found(Credentials("bob", "geheim", source=str(tmp_path / ".docker/config.json")))


@pytest.mark.parametrize(
    ("key", "registry", "matches"),
    [
        ("r.example", "r.example", True),
        ("https://r.example", "r.example", True),
        ("https://r.example/v1/", "r.example", True),
        ("http://r.example/v2/", "r.example", True),
        ("r.example/", "r.example", True),
        ("r.example:5000", "r.example:5000", True),
        ("r.example", "r.example:5000", False),
        ("r.example:5000", "r.example", False),
        ("example", "r.example", False),
        ("R.example", "r.example", False),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("index.docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("auth.docker.io", "docker.io", False),
    ],
)
def test_keys(tmp_path: Path, key: str, registry: str, matches: bool) -> None:
    assert user(tmp_path, {"auths": {key: entry("ann")}}, registry) == ("ann" if matches else "")


def test_the_longest_key_that_covers_the_repository(tmp_path: Path) -> None:
    auths = {"r.example": entry("host"), "r.example/team": entry("team"), "r.example/team/app": entry("app"), "r.example/te": entry("near")}
    for repository, expected in (
        ("team/app", "app"),
        ("team/app/x", "app"),
        ("team/ap", "team"),
        ("team", "team"),
        ("other", "host"),
        ("te/x", "near"),
    ):
        assert user(tmp_path, {"auths": auths}, repository=repository) == expected
    assert user(tmp_path, {"auths": {"r.example/team": entry("team")}}, repository="other") == ""
    assert user(tmp_path, {"auths": {"https://r.example/team": entry("old")}}, repository="other") == "old"


def test_a_plain_key_before_one_of_the_old_kind(tmp_path: Path) -> None:
    auths = {"https://r.example/v1/": entry("old"), "r.example": entry("new")}
    assert user(tmp_path, {"auths": auths}) == user(tmp_path, {"auths": dict(reversed(auths.items()))}) == "new"


def test_forms_of_an_entry(tmp_path: Path) -> None:
    def found(item: dict[str, Any]) -> Credentials | None:
        path = write(tmp_path / "auth.json", {"auths": {"r.example": item}, "HttpHeaders": {"User-Agent": "x"}})
        return find_credentials("r.example", "app", auth_file=str(path)).credentials

    source = str(tmp_path / "auth.json")
    assert found({"username": "ann", "password": "geheim"}) == Credentials("ann", "geheim", source=source)
    assert found(entry("ann", "ge:heim")) == Credentials("ann", "ge:heim", source=source)
    assert found(entry("ann", "geheim\0\0")) == Credentials("ann", "geheim", source=source)
    assert found({**entry("0000"), "identitytoken": "id"}) == Credentials("0000", "geheim", "id", source=source)
    assert found({"identitytoken": "id"}) == Credentials(identity_token="id", source=source)
    assert found(entry("<token>", "id")) == Credentials(identity_token="id", source=source)
    assert found({"registrytoken": "bearer"}) == Credentials(registry_token="bearer", source=source)
    assert found({"email": "a@example.org"}) is None
    assert found({"auth": "", "username": None}) is None


@pytest.mark.parametrize(
    "content",
    ['{"auths": {"r.example": {"auth": "geheim!"}}}', '{"auths": {"r.example": {"auth": "Z2VoZWlt"}}}', "geheim", '{"auths": ["geheim"]}',
     '{"auths": {"r.example": {"auth": 5}}}', '{"credHelpers": {"r.example": "../geheim/x"}}', '{"credsStore": "-geheim"}', '["geheim"]',
     '{"credsStore": "a b"}', '{"credsStore": "x;y"}', "{" * 100_000],
)  # fmt: skip
def test_a_malformed_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError) as caught:
        user(tmp_path, content)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'auth.json'}: ")
    assert "\n" not in line
    if "credHelpers" not in content and "credsStore" not in content:
        said = line.removeprefix(str(tmp_path))
        assert "geheim" not in said
        assert "Z2VoZWlt" not in said


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert user(tmp_path, "") == user(tmp_path, "{}") == user(tmp_path, {"auths": None}) == ""
    (tmp_path / "dir").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        find_credentials("r.example", "app", auth_file=str(tmp_path / "dir"))
    assert find_credentials("r.example", "app", auth_file=str(tmp_path / "none")) == Found()
    with pytest.raises(InputError, match="over the limit"):
        user(tmp_path, " " * (module.MAX_FILE_BYTES + 1))


def test_credentials_are_not_printed() -> None:
    assert "geheim" not in f"{Credentials('geheim', 'geheim', 'geheim', 'geheim', 'file')!r} {Found(Credentials('a', 'geheim'))}"


# Helpers

JSON = """echo '{"ServerURL": "x", "Username": "ann", "Secret": "geheim"}'"""


def test_a_helper_is_asked_for_its_registry(tmp_path: Path) -> None:
    helper(tmp_path, "test", f'test "$#" = 1 && test "$1" = get && read server && test "$server" = r.example && {JSON}')
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    content = {"credHelpers": {"r.example": "test"}, "auths": {"r.example": entry("file")}}
    assert user(tmp_path, content, **environment) == "ann"
    assert user(tmp_path, {**content, "credHelpers": {"other.example": "test"}}, **environment) == "file"
    assert user(tmp_path, {"credsStore": "test"}, **environment) == "ann"
    assert user(tmp_path, {"credsStore": "test", "auths": {"r.example": {}}}, **environment) == "ann"
    assert user(tmp_path, {"credsStore": "test", "auths": {"r.example": entry("file")}}, **environment) == "file"


def test_a_helper_knows_docker_hub_by_its_old_address(tmp_path: Path) -> None:
    helper(tmp_path, "test", f'read server; test "$server" = https://index.docker.io/v1/ && {JSON}')
    assert user(tmp_path, {"credsStore": "test"}, "docker.io", PATH=f"{tmp_path}:/usr/bin:/bin") == "ann"


def test_an_identity_token_from_a_helper(tmp_path: Path) -> None:
    helper(tmp_path, "test", """echo '{"Username": "<token>", "Secret": "geheim"}'""")
    path = write(tmp_path / "auth.json", {"credsStore": "test"})
    found = find_credentials("r.example", "app", auth_file=str(path), environment={"PATH": str(tmp_path)})
    assert found.credentials == Credentials(identity_token="geheim", source="docker-credential-test")


def test_a_helper_that_knows_nothing(tmp_path: Path) -> None:
    helper(tmp_path, "test", "echo 'credentials not found in native keychain'; exit 1")
    path = write(tmp_path / "auth.json", {"credsStore": "test"})
    assert find_credentials("r.example", "app", auth_file=str(path), environment={"PATH": str(tmp_path)}) == Found()


@pytest.mark.parametrize(
    ("script", "note"),
    [
        ("echo the keychain is locked; exit 1", "failed with status 1: the keychain is locked"),
        ("exit 3", "failed with status 3: no message"),
        ("echo geheim", "answered with something else than credentials"),
        ("echo '[1]'", "answered with something else than credentials"),
        ("while :; do echo geheimgeheimgeheimgeheimgeheim; done", "answered with more than 64 KiB"),
        ("exec /bin/sleep 20", "did not answer within 0.3 seconds"),
        ("/bin/sleep 20 & exit 0", "did not answer within 0.3 seconds"),
    ],
)
def test_a_helper_that_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, note: str) -> None:
    monkeypatch.setattr(module, "HELPER_SECONDS", 0.3 if "sleep" in script else 30)
    helper(tmp_path, "test", script)
    path = write(tmp_path / "auth.json", {"credHelpers": {"r.example": "test"}})
    assert find_credentials("r.example", "app", auth_file=str(path), environment={"PATH": str(tmp_path)}) == Found(
        None, (f"docker-credential-test {note}",)
    )


def test_a_helper_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "auth.json", {"credsStore": "desktop"})
    found = find_credentials("r.example", "app", auth_file=str(path), environment={"PATH": str(tmp_path)})
    assert found == Found(None, (f"docker-credential-desktop, which {path} names, is not on the PATH",))
    (tmp_path / "docker-credential-desktop").write_text("no program")
    (tmp_path / "docker-credential-desktop").chmod(0o755)
    [note] = find_credentials("r.example", "app", auth_file=str(path), environment={"PATH": str(tmp_path)}).notes
    assert note == "docker-credential-desktop does not start: exec format error"
