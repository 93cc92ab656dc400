"""Validity of certificates: against OpenSSL as Python has it, on real certificates, and on bytes that are none."""

import base64
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.deploy.network.rules.certificate import MAX_CERTIFICATES, validities, validity

FIXTURE = Path(__file__).parents[3] / "deploy/workload/fixtures/tls-certificate-expiring.yaml"
ENDED, CHAIN, GOOD, PLACEHOLDER = yaml.safe_load_all(FIXTURE.read_text())
PEM = base64.b64decode(ENDED["data"]["tls.crt"]).decode()
DER = ssl.PEM_cert_to_DER_cert(PEM)


def moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def test_a_certificate_says_from_when_to_when() -> None:
    found = validity(DER)
    assert (found.not_before, found.not_after) == (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))


def test_a_chain_says_it_of_each() -> None:
    assert [item.not_after.year for item in validities(CHAIN["stringData"]["tls.crt"])] == [2099, 2021]


def test_openssl_reads_the_same_in_every_root_of_this_system() -> None:
    context = ssl.create_default_context()
    context.load_default_certs()
    known, raw = context.get_ca_certs(), context.get_ca_certs(binary_form=True)
    if not known:
        pytest.skip("this system has no store of root certificates")
    for expected, der in zip(known, raw, strict=True):
        found = validity(der)
        assert (found.not_before, found.not_after) == (moment(str(expected["notBefore"])), moment(str(expected["notAfter"])))


@given(st.binary(max_size=400))
def test_bytes_that_are_no_certificate_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|RFC"):
        validity(data)


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_refused(place: int, value: int) -> None:
    with suppress(ValueError):
        validity(DER[:place] + bytes([value]) + DER[place + 1 :])
    with pytest.raises(ValueError, match="certificate"):
        validity(DER[:place])


@pytest.mark.parametrize("text", ["", PLACEHOLDER["stringData"]["tls.crt"], "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"])
def test_text_without_a_certificate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no PEM"):
        validities(text)


def test_no_more_certificates_are_read_than_a_chain_could_have() -> None:
    assert len(validities(PEM * (MAX_CERTIFICATES + 5))) == MAX_CERTIFICATES
