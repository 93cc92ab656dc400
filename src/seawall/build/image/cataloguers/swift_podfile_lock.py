"""``Podfile.lock`` of CocoaPods.

A pod may have parts that are chosen one by one (``GoogleUtilities/NSData+zlib``). All parts that are chosen have the pod's one version; here they are
one package, the pod. Pods from a local directory (``:path``) are the project's own.

Source: CocoaPods' Lockfile (cocoapods-core); the purl type ``cocoapods``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, items, read_yaml, string, strings, table
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_POD: Final = re.compile(r"([^\s(/]+)(?:/[^\s(]*)?(?: \(([^()]*)\))?")


def parse(file: File) -> Facts:
    try:
        lock = table(read_yaml(file.data))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(lock))


def _packages(lock: dict[str, Any]) -> Iterator[Package]:
    external = {name: table(source) for name, source in table(lock.get("EXTERNAL SOURCES")).items()}
    local = {name.partition("/")[0] for name, source in external.items() if ":path" in source or ":podspec" in source}
    checked_out = {name.partition("/")[0]: table(source) for name, source in table(lock.get("CHECKOUT OPTIONS")).items()}
    pods = [pod for item in items(lock.get("PODS")) for pod in _pods(item) if pod[0] not in local]
    refs = {name: f"{name}@{version}" for name, version, _ in pods}
    for name, version, needs in pods:
        needed = dict.fromkeys(refs[other] for text in needs if (other := text.partition(" ")[0].partition("/")[0]) in refs and other != name)
        source = checked_out.get(name, {})
        origin = from_git(string(source.get(":git")), string(source.get(":commit")))
        yield Package(type="cocoapods", name=name, version=version, qualifiers=origin, requires=tuple(needed))


def _pods(item: Any) -> Iterator[tuple[str, str, list[str]]]:
    """``Name (1.0)``, or ``{Name (1.0): [Other (~> 2.0)]}``; without a name, where it is neither."""
    for text, needs in (table(item) or ({item: []} if isinstance(item, str) else {})).items():
        match = _POD.fullmatch(text)
        yield (match[1], match[2] or "", strings(needs)) if match else ("", "", [])


CATALOGUER: Final = Cataloguer("swift-podfile-lock", parse, ("Podfile.lock",), installed=False)
