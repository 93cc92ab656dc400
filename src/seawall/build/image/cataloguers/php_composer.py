"""What ``composer.lock`` and ``vendor/composer/installed.json`` share: how Composer describes a package.

A version is kept as the package's author tagged it, often with a ``v`` in front (``v6.2.0``); Packagist's order does not look at it. Branches are
``dev-main``.

Source: Composer's composer.json schema; the purl type ``composer``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from seawall.build.image.documents import string, strings, table
from seawall.core.package import Package

VENDORED: Final = re.compile(r"(?:^|/)vendor/[^/]+/[^/]+/")
"""The directory of an installed package; a lockfile that it is packed with is not in force."""


def packages(entries: Iterable[tuple[dict[str, Any], bool]]) -> Iterator[Package]:
    """The packages of entries, each with whether only development needs it. A package in a local directory is the project's own."""
    kept = [(entry, development) for entry, development in entries if table(entry.get("dist")).get("type") != "path"]
    refs: dict[str, str] = {}
    for entry, _ in kept:
        refs[_key(string(entry.get("name")))] = f"{string(entry.get('name'))}@{string(entry.get('version'))}"
    for entry, _ in kept:  # a package may stand for others; where these are there too, they stand for themselves
        ref = refs[_key(string(entry.get("name")))]
        for key in ("replace", "provide"):
            for name in table(entry.get(key)):
                refs.setdefault(_key(name), ref)
    for entry, development in kept:
        name, version = string(entry.get("name")), string(entry.get("version"))
        needed = dict.fromkeys(refs[_key(other)] for other in table(entry.get("require")) if _key(other) in refs)
        needed.pop(f"{name}@{version}", None)
        yield Package(
            type="composer", name=name, version=version, licenses=_licences(entry.get("license")), requires=tuple(needed), development=development
        )


def _key(name: str) -> str:
    """Names of packages are the same in whatever case."""
    return name.lower()


def _licences(value: Any) -> tuple[str, ...]:
    """``["MIT", "Apache-2.0"]`` means a choice, as does ``"(MIT or Apache-2.0)"``."""
    texts = [text.strip() for text in ([value] if isinstance(value, str) else strings(value)) if text.strip()]
    return (" OR ".join(texts),) if texts else ()
