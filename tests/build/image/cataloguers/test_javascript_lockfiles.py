"""One project, locked by each package manager itself: all tell the same. A workspace (``shop`` with ``packages/cart``), an alias, two versions of one
package, a development dependency that is also one of ``cart``."""

from pathlib import Path

import pytest

from seawall.build.image.cataloguer import Cataloguer, File
from seawall.build.image.cataloguers import javascript_bun_lock, javascript_npm_lock, javascript_pnpm_lock, javascript_yarn_lock
from seawall.core.package import Package

FIXTURES = Path(__file__).parent / "fixtures"

EDGES = {
    "@types/once@1.4.5": (),
    "ansi-regex@5.0.1": (),
    "debug@2.6.9": ("ms@2.0.0",),
    "emoji-regex@8.0.0": (),
    "fsevents@2.3.3": (),
    "is-fullwidth-code-point@3.0.0": (),
    "ms@2.0.0": (),
    "ms@2.1.3": (),
    "once@1.4.0": ("wrappy@1.0.2",),
    "string-width@4.2.3": ("emoji-regex@8.0.0", "is-fullwidth-code-point@3.0.0", "strip-ansi@6.0.1"),
    "strip-ansi@6.0.1": ("ansi-regex@5.0.1",),
    "wrappy@1.0.2": (),
}
WITHOUT_FSEVENTS = {"npm-installed/hidden.json", "berry/yarn.lock"}
DEVELOPMENT = {"@types/once@1.4.5", "ms@2.1.3"}

LOCKS = [
    (javascript_npm_lock.CATALOGUER, "npm1/package-lock.json", True),
    (javascript_npm_lock.CATALOGUER, "npm2/package-lock.json", True),
    (javascript_npm_lock.CATALOGUER, "npm3/package-lock.json", True),
    (javascript_npm_lock.CATALOGUER, "npm-installed/hidden.json", True),
    (javascript_yarn_lock.CATALOGUER, "yarn1/yarn.lock", False),
    (javascript_yarn_lock.CATALOGUER, "berry/yarn.lock", False),
    (javascript_pnpm_lock.CATALOGUER, "pnpm5/pnpm-lock.yaml", True),
    (javascript_pnpm_lock.CATALOGUER, "pnpm6/pnpm-lock.yaml", True),
    (javascript_pnpm_lock.CATALOGUER, "pnpm9/pnpm-lock.yaml", True),
    (javascript_bun_lock.CATALOGUER, "bun/bun.lock", True),
]


@pytest.mark.parametrize(("cataloguer", "name", "tells_development"), LOCKS, ids=[name for _, name, _ in LOCKS])
def test_every_package_manager_tells_the_same(cataloguer: Cataloguer, name: str, tells_development: bool) -> None:
    facts = list(cataloguer.parse(File(f"srv/{name}", (FIXTURES / name).read_bytes())))
    packages = [fact for fact in facts if isinstance(fact, Package)]
    assert len(packages) == len(facts)
    # fsevents is for macOS alone: it is not installed here, and berry was not asked for it.
    expected = {ref: edges for ref, edges in EDGES.items() if ref != "fsevents@2.3.3" or name not in WITHOUT_FSEVENTS}
    assert {f"{package.name}@{package.version}": tuple(sorted(package.requires)) for package in packages} == expected
    assert {f"{package.name}@{package.version}" for package in packages if package.development} == (DEVELOPMENT if tells_development else set())
    assert {(package.type, package.path, package.ref) for package in packages} == {("npm", f"srv/{name}", "")}
    assert not cataloguer.installed


@pytest.mark.parametrize(("cataloguer", "name", "tells_development"), LOCKS, ids=[name for _, name, _ in LOCKS])
def test_a_lockfile_that_a_package_brings_along_is_not_in_force(cataloguer: Cataloguer, name: str, tells_development: bool) -> None:
    assert list(cataloguer.parse(File("srv/node_modules/debug/lock", (FIXTURES / name).read_bytes()))) == []
