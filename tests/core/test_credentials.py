"""Credentials are told by name and by shape, and never shown. The corpora have the near misses that annoy maintainers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.scan import scan
from seawall.core.credentials import credential_in_text, is_literal, promises_credential, shape_of
from seawall.core.policy import Policy
from seawall.deploy.workload import compile_checks

CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "corpus"


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "dbPassword",
        "db_passwd",
        "PGPASSWORD",
        "api-key",
        "APIKEY",
        "GITHUB_TOKEN",
        "AUTH_TOKENS",
        "clientSecret",
        "SECRET_KEY",
        "DB_PASS",
    ],
)
def test_names_that_promise(name: str) -> None:
    assert promises_credential(name)


@pytest.mark.parametrize(
    "name",
    ["PASSWORD_FILE", "TOKEN_TTL", "SECRET_NAME", "MAX_TOKENS", "tokenizer", "COMPASS", "BYPASS", "KEY", "PUBLIC_KEY", "PWD", "OLDPWD",
     "PASSWORD_MIN_LENGTH", "secretName", "bearer_token_file", "USE_TOKEN_AUTH", "monkey", "KEYSTORE", "PASSENGER", "", "_"],
)  # fmt: skip
def test_names_that_do_not(name: str) -> None:
    assert not promises_credential(name)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("x=AKIAABCDEFGHIJKLMNOP;", "an AWS access key id"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "a private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
        ("glpat-abcdefghijklmnopqrst", "a GitLab token"),
        ("https://user:hunter2@git.example/x.git", "a URL with a password"),
        ("amqp://user:p%40ss@mq:5672/", "a URL with a password"),
        ("Server=x;Pwd=hunter2", "a connection string with a password"),
        ("-----BEGIN CERTIFICATE-----", ""),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 user@host", ""),
        ("https://git.example:8443/x@v1", ""),
        ("https://user@git.example/", ""),
        ("https://user:${PASSWORD}@git.example/", ""),
        ("registry.example:5000/app@sha256:0123", ""),
        ("Server=x;Password=${DB_PASSWORD}", ""),
        ("XAKIAABCDEFGHIJKLMNOPX", ""),
    ],
)
def test_shapes(value: str, shape: str) -> None:
    assert shape_of(value) == shape


@given(st.text(max_size=60))
def test_references_are_no_literals_whatever_stands_in_them(text: str) -> None:
    assert not is_literal(f"$({text}")
    assert not is_literal("${" + text)
    assert not is_literal("{{" + text)


@given(st.text(alphabet="abAB01 =:;/@$({\"'-_.\n\\", max_size=60))
def test_a_line_without_a_promising_name_is_no_credential(text: str) -> None:
    assert credential_in_text(text) == ""


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "password: " + "(" * 1_000_000, "://" * 300_000, "password=" * 100_000, ("x" * 30 + "://a:") * 20_000]
)
def test_long_values_end(text: str) -> None:
    assert credential_in_text(text) == ""
    shape_of(text)


SECRET = "hunter2-is-not-to-be-seen"


@pytest.mark.parametrize("output", ["json", "text", "sarif", "table", "junit"])
def test_the_value_is_in_no_output(tmp_path: Path, output: str) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: app\n      image: x:1\n      env:\n"
        f"        - name: DB_PASSWORD\n          value: {SECRET}\n---\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  password: {SECRET}\n  app.ini: |\n    password = {SECRET}\n"
    )
    arguments = ["-v", "scan", str(path), "--rule", "secret-literal-env", "--rule", "configmap-secret", "--format", output]
    result = subprocess.run([sys.executable, "-m", "seawall", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    assert "DB_PASSWORD" in result.stdout
    assert SECRET not in result.stdout + result.stderr
    if output == "json":
        assert len(json.loads(result.stdout)["findings"]) == 3


@pytest.mark.parametrize(("corpus", "expected"), [("kube-prometheus", 0), ("kubernetes-goat", 0)])
def test_corpora_without_literal_credentials(corpus: str, expected: int) -> None:
    if not (CORPUS / corpus).is_dir():
        pytest.skip(f"no {CORPUS / corpus}")
    report = scan([str(CORPUS / corpus)], compile_checks(Policy(profile="all"), only=["secret-literal-env", "configmap-secret"]))
    assert report.scanned.resources > 30
    assert len(report.findings) == expected
