"""Many conditions as one: whether any of them holds, with what they share said once.

Rules share most of what they say (``kevt and not routine and ...``). ``a and b or a and c`` becomes ``a and (b or c)``, the most shared part first,
so that a database computes it once, and stops there where it does not hold. The result holds exactly where one of the conditions does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from seawall.run.detect.language.printer import print_condition
from seawall.run.detect.language.tree import And, Condition, Or

Parts = Mapping[str, Condition]
"""What a condition demands at once, by how it is written."""


def factored(conditions: Iterable[Condition]) -> Condition:
    """Whether any of these holds; ``Or(())``, which never does, for none."""
    written: dict[int, str] = {}
    return _any([_parts(condition, written) for condition in conditions])


def _parts(condition: Condition, written: dict[int, str]) -> Parts:
    found: dict[str, Condition] = {}
    waiting = [condition]
    while waiting:
        each = waiting.pop()
        if isinstance(each, And):
            waiting.extend(each.parts)
            continue
        if id(each) not in written:
            written[id(each)] = print_condition(each)
        found[written[id(each)]] = each
    return found


def _any(alternatives: Sequence[Parts]) -> Condition:
    rest = list({tuple(sorted(parts)): parts for parts in alternatives}.values())
    results: list[Condition] = []
    while rest:
        shared = Counter(key for parts in rest for key in parts)
        key, count = max(shared.items(), key=lambda item: (item[1], -len(item[0]), item[0]), default=("", 0))
        if count < 2:
            results.extend(_all(parts) for parts in rest)
            break
        having = [parts for parts in rest if key in parts]
        rest = [parts for parts in rest if key not in parts]
        without = [{other: part for other, part in parts.items() if other != key} for parts in having]
        results.append(having[0][key] if not all(without) else And((having[0][key], _any(without))))
    return results[0] if len(results) == 1 else Or(tuple(results))


def _all(parts: Parts) -> Condition:
    """The short parts first: they are quick, and mostly choosy (``ka.verb = create``)."""
    found = tuple(parts[key] for key in sorted(parts, key=lambda key: (len(key), key)))
    return found[0] if len(found) == 1 else And(found)
