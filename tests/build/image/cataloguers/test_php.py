"""``composer.lock`` and ``installed.json``."""

from pathlib import Path

from seawall.build.image.cataloguer import File, Parse, Problem
from seawall.build.image.cataloguers import php_composer_lock, php_installed
from seawall.build.image.selection import Selection
from seawall.core.package import Package
from seawall.core.purl import purl_of

FIXTURES = Path(__file__).parent / "fixtures"


def packages(parse: Parse, name: str, path: str = "") -> dict[str, Package]:
    facts = list(parse(File(path or f"srv/{name}", (FIXTURES / name).read_bytes())))
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert found == facts
    return {package.name: package for package in found}


def test_composer_lock() -> None:
    found = packages(php_composer_lock.parse, "composer/composer.lock")
    assert {name: package.version for name, package in found.items()} == {
        "monolog/monolog": "2.9.1",
        "psr/log": "1.1.4",
        "symfony/http-kernel": "v5.4.20",
        "tecnickcom/tcpdf": "dev-main",
        "phpunit/php-timer": "5.0.3",
    }
    assert found["monolog/monolog"].requires == ("psr/log@1.1.4",)
    # Names in any case, and what another package provides.
    assert found["symfony/http-kernel"].requires == ("psr/log@1.1.4", "monolog/monolog@2.9.1")
    assert found["tecnickcom/tcpdf"].licenses == ("LGPL-3.0-or-later OR proprietary",)
    assert [name for name, package in found.items() if package.development] == ["phpunit/php-timer"]
    assert purl_of(found["symfony/http-kernel"]) == "pkg:composer/symfony/http-kernel@v5.4.20"


def test_what_is_installed_in_both_versions() -> None:
    second = packages(php_installed.parse, "composer-installed2/installed.json")
    assert {name: (package.version, package.development) for name, package in second.items()} == {
        "psr/log": ("1.1.4", False),
        "monolog/monolog": ("2.9.1", False),
        "phpunit/php-timer": ("5.0.3", True),
    }
    first = packages(php_installed.parse, "composer-installed1/installed.json")
    assert {name: package.version for name, package in first.items()} == {"psr/log": "1.1.4", "monolog/monolog": "2.9.1"}
    assert first["monolog/monolog"].requires == second["monolog/monolog"].requires == ("psr/log@1.1.4",)
    assert php_installed.CATALOGUER.installed
    assert not php_composer_lock.CATALOGUER.installed


def test_a_lockfile_that_a_package_brings_along_is_not_in_force() -> None:
    assert packages(php_composer_lock.parse, "composer/composer.lock", "srv/vendor/monolog/monolog/composer.lock") == {}


def test_paths() -> None:
    selection = Selection([php_composer_lock.CATALOGUER, php_installed.CATALOGUER])
    assert [one.name for one in selection.of("srv/vendor/composer/installed.json")] == ["php-installed"]
    assert [one.name for one in selection.of("srv/composer.lock")] == ["php-composer-lock"]
    assert selection.of("srv/installed.json") == ()


def test_a_place_is_told_for_what_is_no_json() -> None:
    (problem,) = php_composer_lock.parse(File("composer.lock", b'{"packages": [\n  oops'))
    assert isinstance(problem, Problem)
    assert problem.line == 2
