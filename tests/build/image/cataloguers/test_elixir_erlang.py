"""``mix.lock`` and ``rebar.lock``."""

from pathlib import Path

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers import elixir_mix_lock, erlang_rebar_lock
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"
FORKED = {"vcs_url": "git+https://github.com/example/forked.git@3c8c3e4e2d1a8b7f6e5d4c3b2a1908f7e6d5c4b3"}


def test_mix_lock() -> None:
    facts = list(elixir_mix_lock.parse(File("srv/mix.lock", (FIXTURES / "mix/mix.lock").read_bytes())))
    found = {fact.name: fact for fact in facts if isinstance(fact, Package)}
    assert len(found) == len(facts)
    assert {name: package.version for name, package in found.items()} == {
        "cowboy": "2.9.0",
        "cowlib": "2.11.0",
        "forked": "",
        "plug": "1.14.0",
        "ranch": "1.8.0",  # the name in Hex, whatever the application is called
    }
    assert found["cowboy"].requires == ("cowlib@2.11.0",)
    assert found["plug"].requires == ("cowlib@2.11.0",)  # mime is not locked
    assert found["forked"].qualifiers == FORKED
    assert purl_of(found["cowboy"]) == "pkg:hex/cowboy@2.9.0"


def test_mix_lock_of_old_and_odd() -> None:
    old = b'%{"a": {:hex, :a, "1.0.0"},\n  "b-c": {:hex, :"b-c", "2.0.0", "hash"},\n  "bad": {:hex, a, 1},\n}\n'
    facts = list(elixir_mix_lock.parse(File("mix.lock", b"%{\n" + old[2:])))
    assert [(fact.name, fact.version) for fact in facts if isinstance(fact, Package)] == [("a", "1.0.0"), ("b-c", "2.0.0")]
    assert [fact for fact in facts if isinstance(fact, Problem)] == [Problem("mix.lock", "the entry of 'bad' is not as Mix writes it", 4)]
    assert list(elixir_mix_lock.parse(File("mix.lock", b"%{\n}\n"))) == []
    assert list(elixir_mix_lock.parse(File("mix.lock", b"poetry"))) == [Problem("mix.lock", "no lockfile as Mix writes it")]


def test_rebar_lock() -> None:
    facts = list(erlang_rebar_lock.parse(File("rebar.lock", (FIXTURES / "rebar/rebar.lock").read_bytes())))
    assert [(fact.name, fact.version, dict(fact.qualifiers)) for fact in facts if isinstance(fact, Package)] == [
        ("certifi", "2.9.0", {}),
        ("forked", "", FORKED),
        ("idna", "6.1.1", {}),
    ]


def test_rebar_lock_before_hex() -> None:
    old = b'[{<<"jsx">>,{git,"https://github.com/example/jsx.git",{ref,"0a"}},0}].\n'
    (package,) = erlang_rebar_lock.parse(File("rebar.lock", old))
    assert isinstance(package, Package)
    assert package.qualifiers == {"vcs_url": "git+https://github.com/example/jsx.git@0a"}
    assert list(erlang_rebar_lock.parse(File("rebar.lock", b"[].\n"))) == []
    assert list(erlang_rebar_lock.parse(File("rebar.lock", b"hello"))) == [Problem("rebar.lock", "no lockfile as rebar3 writes it")]
