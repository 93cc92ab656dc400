"""Credentials in files that are made to hold them, and what only looks like one."""

import pytest

from seawall.build.image.cataloguer import File, Secret
from seawall.build.image.cataloguers.secrets import CATALOGUER
from seawall.build.image.selection import Selection

KEY = b"-----BEGIN RSA " + b"PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx" + b"A" * 40 + b"\n-----END RSA " + b"PRIVATE KEY-----\n"


def told(path: str, data: bytes) -> list[str]:
    assert Selection([CATALOGUER]).of(path)
    return [fact.what for fact in CATALOGUER.parse(File(path, data)) if isinstance(fact, Secret)]


@pytest.mark.parametrize(
    ("path", "data", "what"),
    [
        ("root/.ssh/id_rsa", KEY, "a private key"),
        ("app/tls.key", KEY, "a private key"),
        ("app/.env", b"DB_PASSWORD=hunter2hunter2\n", "a literal credential in DB_PASSWORD"),
    ],
)
def test_found(path: str, data: bytes, what: str) -> None:
    assert told(path, data) == [what]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("etc/ssl/certs/ca.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        ("usr/lib/python3/test/keycert.pem", KEY),
        ("app/.env", b"DB_PASSWORD=changeme\nDB_PASSWORD_FILE=/run/x\nDB_HOST=db\n"),
        ("app/big.key", b"\0" * (2**20 + 1) + KEY),
        ("app/.env", b""),
    ],
)
def test_not_found(path: str, data: bytes) -> None:
    assert told(path, data) == []
