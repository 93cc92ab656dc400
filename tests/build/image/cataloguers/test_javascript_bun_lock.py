from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.javascript_bun_lock import parse
from seawall.core.package import Package

LOCK = b"""{
  // Bun writes none, people do
  "lockfileVersion": 1,
  "workspaces": {
    "": {"name": "shop", "dependencies": {"a": "^1", "cart": "workspace:*",}, "devDependencies": {"tool": "1"},},
    "packages/cart": {"name": "cart", "dependencies": {"b": "^2",},},
  },
  "packages": {
    "a": ["a@1.0.0", "", {"dependencies": {"@s/c": "1", "b": "1"}, "optionalPeers": ["x"]}, "sha512-a,}"],
    "a/b": ["b@1.0.0", "", {}, "sha512-a"],
    "@s/c": ["@s/c@1.0.0", "", {"dependencies": {"b": "3", "@s/d": "1"}}, "sha512-a"],
    "@s/c/b": ["b@3.0.0", "", {"dependencies": {"@s/d": "2"}}, "sha512-a"],
    "@s/c/@s/d": ["@s/d@2.0.0", "", {}, "sha512-a"],
    "@s/d": ["@s/d@1.0.0", "", {}, "sha512-a"],
    "b": ["b@0.1.0", "", {}, "sha512-a"],
    "cart": ["cart@workspace:packages/cart"],
    "cart/b": ["b@2.0.0", "", {}, "sha512-a"],
    "forked": ["forked@github:someone/forked#0a1b2c", {}, "someone-forked-0a1b2c"],
    "tool": ["tool@1.0.0", "", {"dependencies": {"forked": "*"}}, "sha512-a"],
    "local": ["local@file:../local", {}],
  },
}
"""


def test_places() -> None:
    packages = [fact for fact in parse(File("bun.lock", LOCK)) if isinstance(fact, Package)]
    assert {f"{package.name}@{package.version}": (package.requires, package.development) for package in packages} == {
        "a@1.0.0": (("@s/c@1.0.0", "b@1.0.0"), False),
        "b@1.0.0": ((), False),
        "@s/c@1.0.0": (("b@3.0.0", "@s/d@2.0.0"), False),
        "b@3.0.0": (("@s/d@2.0.0",), False),
        "@s/d@2.0.0": ((), False),
        "@s/d@1.0.0": ((), True),
        "b@0.1.0": ((), True),
        "b@2.0.0": ((), False),
        "forked@": ((), True),
        "tool@1.0.0": (("forked@",), True),
    }
    assert next(package for package in packages if package.name == "forked").qualifiers == {"vcs_url": "git+https://github.com/someone/forked@0a1b2c"}


def test_broken() -> None:
    assert [type(fact) for fact in parse(File("bun.lock", b"{,"))] == [Problem]
    assert list(parse(File("bun.lock", b'{"packages": {"a": [], "b": [1], "c": "d", "": ["@1"]}}'))) == []
