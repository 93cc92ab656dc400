import json

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.javascript_npm_lock import CATALOGUER, MAX_PLACE, parse
from seawall.build.image.selection import Selection
from seawall.core.package import Package


def told(lock: object, path: str = "package-lock.json") -> list[Package]:
    facts = list(parse(File(path, json.dumps(lock).encode())))
    assert all(isinstance(fact, Package) for fact in facts), facts
    return [fact for fact in facts if isinstance(fact, Package)]


def test_paths() -> None:
    selection = Selection([CATALOGUER])
    assert selection.of("srv/npm-shrinkwrap.json")
    assert selection.of("srv/node_modules/.package-lock.json")
    assert not selection.of("srv/.package-lock.json")


def test_the_hidden_lockfile_is_read_where_it_belongs() -> None:
    lock = {"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}
    assert [package.name for package in told(lock, "srv/node_modules/.package-lock.json")] == ["a"]
    assert told(lock, "srv/node_modules/b/node_modules/.package-lock.json") == []


def test_the_nearest_copy_is_required() -> None:
    places = {
        "": {"name": "shop", "dependencies": {"a": "1"}},
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1", "c": "1", "missing": "1"}},
        "node_modules/a/node_modules/b": {"version": "2.0.0", "dependencies": {"c": "1"}},
        "node_modules/b": {"version": "1.0.0"},
        "node_modules/c": {"version": "1.0.0", "peerDependencies": {"b": "*"}},
    }
    assert {f"{p.name}@{p.version}": p.requires for p in told({"packages": places})} == {
        "a@1.0.0": ("b@2.0.0", "c@1.0.0"),
        "b@2.0.0": ("c@1.0.0",),
        "b@1.0.0": (),
        "c@1.0.0": ("b@1.0.0",),
    }


def test_a_workspace_finds_its_own_copy_and_is_no_package() -> None:
    places = {
        "packages/cart": {"version": "1.0.0", "dependencies": {"a": "2"}},
        "packages/cart/node_modules/a": {"version": "2.0.0", "dependencies": {"b": "1"}},
        "packages/cart/node_modules/b": {"version": "3.0.0"},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/b": {"version": "1.0.0"},
        "node_modules/cart": {"resolved": "packages/cart", "link": True},
    }
    assert {f"{p.name}@{p.version}": p.requires for p in told({"packages": places})} == {
        "a@2.0.0": ("b@3.0.0",),
        "b@3.0.0": (),
        "a@1.0.0": (),
        "b@1.0.0": (),
    }


def test_aliases_have_their_real_name() -> None:
    assert [(p.name, p.version) for p in told({"packages": {"node_modules/old": {"name": "@scope/real", "version": "1.0.0"}}})] == [
        ("@scope/real", "1.0.0")
    ]
    assert [(p.name, p.version) for p in told({"dependencies": {"old": {"version": "npm:@scope/real@1.0.0"}}})] == [("@scope/real", "1.0.0")]


def test_git_dependencies_tell_their_commit_and_no_secret() -> None:
    (package,) = told({"packages": {"node_modules/a": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/a/a.git#0a1b2c"}}})
    assert (package.version, package.qualifiers) == ("1.0.0", {"vcs_url": "git+ssh://git@git.example/a/a.git@0a1b2c"})
    (package,) = told({"dependencies": {"a": {"version": "git+https://me:token@git.example/a.git#0a1b2c"}}})
    assert (package.version, package.qualifiers) == ("", {"vcs_url": "git+https://git.example/a.git@0a1b2c"})


def test_own_code_by_path_is_no_package() -> None:
    assert told({"dependencies": {"a": {"version": "file:../a"}}}) == []


def test_development_and_licences() -> None:
    places = {
        "node_modules/a": {"version": "1.0.0", "dev": True, "license": "MIT"},
        "node_modules/b": {"version": "1.0.0", "devOptional": True},
        "node_modules/c": {"version": "1.0.0", "dev": True},
        "node_modules/a/node_modules/c": {"version": "1.0.0", "license": "ISC"},
    }
    found = {p.name: (p.development, p.licenses) for p in told({"packages": places})}
    # c is there twice, once for run time: that is what counts
    assert found["a"] == (True, ("MIT",))
    assert found["b"] == (False, ())
    assert found["c"][0] is False


def test_two_dependents_of_one_package_at_two_places_are_united() -> None:
    places = {
        "node_modules/x/node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/x/node_modules/b": {"version": "1.1.0"},
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/b": {"version": "1.2.0"},
    }
    assert next(p.requires for p in told({"packages": places}) if p.name == "a") == ("b@1.1.0", "b@1.2.0")


def test_odd_shapes() -> None:
    assert told([]) == []
    assert told({"packages": {"node_modules/a": 1, "node_modules/": {"version": "1"}, "node_modules/b": {"version": 3}}}) == []
    assert [type(fact) for fact in parse(File("package-lock.json", b'{"packages": '))] == [Problem]
    assert [type(fact) for fact in parse(File("package-lock.json", b"[" * 100_000))] == [Problem]


def test_a_tower_of_dependencies_is_refused() -> None:
    tree: dict[str, object] = {"version": "1.0.0"}
    for _ in range(200):
        tree = {"version": "1.0.0", "dependencies": {"a": tree}}
    (fact,) = parse(File("package-lock.json", json.dumps({"dependencies": {"a": tree}}).encode()))
    assert isinstance(fact, Problem)
    assert f"{MAX_PLACE:,}" in fact.message
