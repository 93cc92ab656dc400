"""Image references against the grammar, and against the library that the kubelet and containerd read them with."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.image_reference import ImageReference, parse_image_reference

HEX = "0123456789abcdef"
SHA256 = "sha256:" + HEX * 4
SHA384 = "sha384:" + HEX * 6
SHA512 = "sha512:" + HEX * 8


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "", ""),
        ("nginx:1.27", "docker.io", "library/nginx", "1.27", ""),
        ("team/app", "docker.io", "team/app", "", ""),
        ("docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("index.docker.io/team/app:1", "docker.io", "team/app", "1", ""),
        ("ghcr.io/team/app:v1.4_rc-2", "ghcr.io", "team/app", "v1.4_rc-2", ""),
        ("registry.example:5000/app", "registry.example:5000", "app", "", ""),
        ("registry:5000/app:1", "registry:5000", "app", "1", ""),
        ("registry:5000", "docker.io", "library/registry", "5000", ""),
        ("registry.example", "docker.io", "library/registry.example", "", ""),
        ("localhost/app", "localhost", "app", "", ""),
        ("localhosts/app", "docker.io", "localhosts/app", "", ""),
        ("Registry/app", "Registry", "app", "", ""),
        ("192.0.2.1/app", "192.0.2.1", "app", "", ""),
        ("[2001:db8::1]:5000/team/app:1", "[2001:db8::1]:5000", "team/app", "1", ""),
        ("[::1]/app", "[::1]", "app", "", ""),
        ("a/b/c/d:e", "docker.io", "a/b/c/d", "e", ""),
        ("a__b--c.d/e", "a__b--c.d", "e", "", ""),
        (f"app@{SHA256}", "docker.io", "library/app", "", SHA256),
        (f"app:1@{SHA256}", "docker.io", "library/app", "1", SHA256),
        (f"registry.example:5000/app:1@{SHA512}", "registry.example:5000", "app", "1", SHA512),
        (f"app@{SHA384}", "docker.io", "library/app", "", SHA384),
        ("sha256:" + HEX * 4, "docker.io", "library/sha256", HEX * 4, ""),
        ("app:" + "t" * 128, "docker.io", "library/app", "t" * 128, ""),
    ],
)
def test_parts(text: str, registry: str, repository: str, tag: str, digest: str) -> None:
    assert parse_image_reference(text) == ImageReference(registry, repository, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", " nginx", "nginx ", "nginx\n", "NGINX", "team/App", "team//app", "/app", "app/", "app:", "app:-1", "app:.1", "app:a/b", "a:b:c",
        "app:" + "t" * 129, "app@", f"@{SHA256}", f"app@{SHA256}@{SHA256}", f"app@{SHA256}:1", "app@sha256", "app@sha256:", "app@sha256:abcd",
        f"app@{SHA256[:-1]}", f"app@{SHA256}0", f"app@SHA256:{HEX * 4}", f"app@sha256:{HEX.upper() * 4}", f"app@sha256:{'g' * 64}",
        f"app@md5:{HEX * 2}", f"app@sha512:{HEX * 4}", f"app@sha256+b64:{HEX * 4}", HEX * 4, "a___b", "a..b", "a-", "-a", "_a", "a.-b",
        "https://registry.example/app", "registry.example:port/app", "registry.example:/app", "-registry.example/app", "registry..example/app",
        "[::1%eth0]/app", "::1/app", "[::1/app", "ünicode", "app:ünicode", "app:\uff11", "${IMAGE}", "{{ .Values.image }}", "app:$(TAG)", "a" * 256,
        "registry.example/" + "a/" * 600 + "a", "user:pass@registry.example/app",
    ],
)  # fmt: skip
def test_what_no_runtime_accepts_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is not an image reference") as caught:
        parse_image_reference(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "tag"), [("app", "latest"), ("app:latest", "latest"), ("app:1", "1"), (f"app@{SHA256}", ""), (f"app:latest@{SHA256}", "latest")]
)
def test_the_tag_that_is_asked_for(text: str, tag: str) -> None:
    assert parse_image_reference(text).effective_tag == tag


parts = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
registries = st.one_of(
    st.sampled_from(["localhost", "docker.io", "[::1]", "[2001:DB8::a]:443", "127.0.0.1:5000", "Host"]),
    st.from_regex(r"[a-zA-Z0-9]{1,5}(-[a-zA-Z0-9]{1,5})?\.[a-zA-Z0-9]{1,5}(:[0-9]{1,5})?", fullmatch=True).filter(
        lambda name: name != "index.docker.io"
    ),
)


@settings(max_examples=300)
@given(
    registries,
    st.lists(parts, min_size=2, max_size=4).map("/".join),
    st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)),
    st.sampled_from(["", SHA256, SHA384, SHA512]),
)
def test_a_reference_that_was_put_together_comes_apart_the_same(registry: str, repository: str, tag: str, digest: str) -> None:
    reference = ImageReference(registry, repository, tag, digest)
    assert parse_image_reference(str(reference)) == reference


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=40), st.text("aA0.:/@-_[]", max_size=20)))
def test_any_text_is_read_or_refused_and_reading_again_changes_nothing(text: str) -> None:
    try:
        reference = parse_image_reference(text)
    except ValueError:
        return
    assert parse_image_reference(str(reference)) == reference


def test_against_the_library_of_the_runtimes(answers: Callable[[str, list[str]], list[Any]]) -> None:
    random = Random(1)
    pieces = [
        "nginx", "library", "docker.io", "index.docker.io", "localhost", "Host", "a.b", "a_b.c", "a-b", "a--b", "a__b", "a___b", "_a", "-a", "a-",
        ".", "..", ":", "/", "//", "@", SHA256, SHA384, SHA512, SHA256.upper(), SHA256[:40], f"md5:{HEX * 2}", f"blake3:{HEX * 4}", "[::1]",
        "[::1%eth0]", "::1", "127.0.0.1", ":5000", ":80", ":latest", ":1.2", ":_x", ":-x", ":" + "t" * 128, ":" + "t" * 129, "é", " ", "A", "App",
        HEX * 4, "0", "a",
    ]  # fmt: skip
    texts = ["".join(random.choice(pieces) + random.choice(["", "", "/", ":", "@"]) for _ in range(random.randint(1, 4))) for _ in range(20_000)]
    theirs = answers("reference", texts)
    assert sum(answer is not None for answer in theirs) > 1000
    assert [(text, _parsed(text)) for text in texts] == [
        (text, answer and _with_registry(answer)) for text, answer in zip(texts, theirs, strict=True)
    ]


def _parsed(text: str) -> list[str] | None:
    try:
        reference = parse_image_reference(text)
    except ValueError:
        return None
    return [reference.registry, reference.repository, reference.tag, reference.digest]


def _with_registry(answer: list[str]) -> list[str]:
    """The library takes ``a_b.c`` in ``a_b.c/app`` for a registry, then for a part of the repository, and ends without a registry at all."""
    registry, repository, *rest = answer
    return [registry, repository, *rest] if registry else [*repository.split("/", 1), *rest]
