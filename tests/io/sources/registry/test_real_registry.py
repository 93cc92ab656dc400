"""Against the real docker-registry: what skopeo pushed is what we read."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from seawall.core.image_reference import parse_image_reference
from seawall.io.sources.http import HttpError
from seawall.io.sources.registry.client import Repository
from seawall.io.sources.registry.options import RegistryOptions

Registry = Any


def read_all(reference: str, options: RegistryOptions = RegistryOptions(retries=0)) -> dict[str, bytes]:
    """Everything of an image by digest, as a naive pull would get it."""
    parsed = parse_image_reference(reference)
    found: dict[str, bytes] = {}
    with Repository(parsed, options) as repository:
        index = repository.manifest(parsed.effective_tag or parsed.digest)
        found[index.digest] = index.data
        for entry in json.loads(index.data)["manifests"]:
            manifest = repository.manifest(entry["digest"])
            assert (manifest.digest, manifest.media_type) == (entry["digest"], entry["mediaType"])
            found[manifest.digest] = manifest.data
            content = json.loads(manifest.data)
            for descriptor in [content["config"], *content["layers"]]:
                found[descriptor["digest"]] = b"".join(repository.blob(descriptor["digest"], descriptor["size"]))
    return found


def test_an_image_as_it_was_pushed(registry: Registry) -> None:
    assert read_all(registry.reference) == registry.layout.blobs
    assert read_all(f"{registry.host}/demo/app@{registry.layout.index}") == registry.layout.blobs
    assert read_all(registry.reference.replace("127.0.0.1", "localhost")) == registry.layout.blobs


def test_what_is_not_there(registry: Registry) -> None:
    missing = "sha256:" + hashlib.sha256(b"nothing").hexdigest()
    for name, said in (("demo/app:2", "no tag 2"), ("demo/none:1", "no tag 1"), (f"demo/app@{missing}", f"no image {missing}")):
        reference = parse_image_reference(f"{registry.host}/{name}")
        with Repository(reference) as repository, pytest.raises(HttpError) as caught:
            repository.manifest(reference.effective_tag or reference.digest)
        assert caught.value.status == 404
        assert str(caught.value).startswith(f"{reference}: {registry.host} has {said} in {reference.repository} (")
    with Repository(parse_image_reference(registry.reference)) as repository, pytest.raises(HttpError, match=f"has no blob {missing}"):
        list(repository.blob(missing))


def test_no_referrers_in_a_registry_that_knows_none(registry: Registry) -> None:
    with Repository(parse_image_reference(registry.reference)) as repository:
        assert repository.referrers(registry.layout.index) == ()


def test_a_registry_with_tls(start_registry: Any, authority: Any) -> None:
    registry = start_registry(tls=authority)
    assert read_all(registry.reference, RegistryOptions(ca_file=authority.ca_file)) == registry.layout.blobs
    with pytest.raises(HttpError, match="has a certificate that is not trusted"):
        read_all(registry.reference)


def test_a_registry_with_a_login(start_registry: Any, nobody: Path) -> None:
    registry = start_registry(login="ann:sesame")
    with pytest.raises(HttpError, match="refuses access to demo/app, asked without credentials, as none were found; it may not exist") as caught:
        read_all(registry.reference)
    assert caught.value.status == 401
    file = nobody / ".docker" / "config.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {registry.host: {"auth": "YW5uOnNlc2FtZQ=="}}}))
    assert read_all(registry.reference) == registry.layout.blobs
    file.write_text(json.dumps({"auths": {registry.host: {"username": "ann", "password": "geheim"}}}))
    with pytest.raises(HttpError, match=f"asked with the credentials from {file}") as caught:
        read_all(registry.reference)
    assert "geheim" not in str(caught.value)


def test_a_mirror_comes_first_and_the_registry_is_not_asked(registry: Registry) -> None:
    """The registry itself does not exist: what is read can only come from the mirror."""
    for mirror in (f"{registry.host}/demo", f"http://{registry.host}/demo"):
        options = RegistryOptions(mirrors={"registry.invalid": ("127.0.0.1:1", mirror)}, retries=0)
        assert read_all("registry.invalid/app:1", options) == registry.layout.blobs


def test_the_registry_is_asked_for_what_no_mirror_has(registry: Registry) -> None:
    options = RegistryOptions(mirrors={registry.host: ("127.0.0.1:1", f"{registry.host}/empty")}, retries=0)
    assert read_all(registry.reference, options) == registry.layout.blobs
    with pytest.raises(
        HttpError, match=f"{registry.host} has no tag 2 in demo/app .*; 127.0.0.1:1 refused .*; {registry.host} has no tag 2 in empty/"
    ):
        read_all(f"{registry.host}/demo/app:2", options)
