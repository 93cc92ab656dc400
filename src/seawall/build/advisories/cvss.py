"""CVSS: the base score of a vector, from its published formulas. Pure.

Base metrics only: threat and environment are of a day and a place, and vectors of feeds have them seldom. They may stand in a vector, must be valid,
and do not count. All arithmetic is exact, so no score hangs on the last bit of a float.

Sources, all at https://www.first.org/cvss: "A Complete Guide to the CVSS Version 2.0" section 3.2; "CVSS v3.0" and "CVSS v3.1 Specification Document"
sections 7 and, for rounding, appendix A; "CVSS v4.0 Specification Document" section 8. The scores of version 4's MacroVectors, which experts agreed
on and no formula gives, are ``data/cvss4_macro_vectors.csv`` (FIRST's ``cvss_lookup.js``).
"""

import csv
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from math import ceil, floor
from typing import Final

from msgspec import Struct

MAX_VECTOR: Final = 400
"""Characters; the longest vector of version 4 has 180."""


class BaseScore(Struct, frozen=True):
    """``version`` is ``2.0``, ``3.0``, ``3.1`` or ``4.0``; ``score`` 0 to 10; ``rating`` is ``none``, ``low``, ``medium``, ``high`` or
    ``critical``."""

    version: str
    score: float
    rating: str


class InvalidVector(Struct, frozen=True):
    """A text that is no CVSS vector, and why."""

    reason: str


def _values(text: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(values.split(",")) for name, _, values in (part.partition(":") for part in text.split())}


_BASE: Final = {
    "2": _values("AV:L,A,N AC:H,M,L Au:M,S,N C:N,P,C I:N,P,C A:N,P,C"),
    "3": _values("AV:N,A,L,P AC:L,H PR:N,L,H UI:N,R S:U,C C:H,L,N I:H,L,N A:H,L,N"),
    "4": _values("AV:N,A,L,P AC:L,H AT:N,P PR:N,L,H UI:N,P,A VC:H,L,N VI:H,L,N VA:H,L,N SC:H,L,N SI:H,L,N SA:H,L,N"),
}
_OPTIONAL: Final = {
    "2": _values(
        "E:U,POC,F,H,ND RL:OF,TF,W,U,ND RC:UC,UR,C,ND CDP:N,L,LM,MH,H,ND TD:N,L,M,H,ND CR:L,M,H,ND IR:L,M,H,ND AR:L,M,H,ND",
    ),
    "3": _values(
        "E:X,H,F,P,U RL:X,U,W,T,O RC:X,C,R,U CR:X,H,M,L IR:X,H,M,L AR:X,H,M,L MAV:X,N,A,L,P MAC:X,L,H MPR:X,N,L,H MUI:X,N,R MS:X,U,C"
        " MC:X,N,L,H MI:X,N,L,H MA:X,N,L,H",
    ),
    "4": _values(
        "E:X,A,P,U CR:X,H,M,L IR:X,H,M,L AR:X,H,M,L MAV:X,N,A,L,P MAC:X,L,H MAT:X,N,P MPR:X,N,L,H MUI:X,N,P,A MVC:X,H,L,N MVI:X,H,L,N MVA:X,H,L,N"
        " MSC:X,H,L,N MSI:X,S,H,L,N MSA:X,S,H,L,N S:X,N,P AU:X,N,Y R:X,A,U,I V:X,D,C RE:X,L,M,H U:X,Clear,Green,Amber,Red",
    ),
}
_PREFIX: Final = re.compile(r"CVSS:([0-9]+\.[0-9]+)/")


@lru_cache(maxsize=8192)
def base_score(vector: str) -> BaseScore | InvalidVector:
    """The base score of a vector of any version. Metrics may stand in any order; one that is missing, doubled or unknown makes it invalid."""
    if len(vector) > MAX_VECTOR:
        return InvalidVector(f"longer than {MAX_VECTOR} characters")
    text = vector.strip()
    prefix = _PREFIX.match(text)
    version = prefix[1] if prefix else "2.0"
    if version not in ("2.0", "3.0", "3.1", "4.0"):
        return InvalidVector(f"there is no CVSS version {version}")
    text = text[prefix.end() :] if prefix else text.removeprefix("(").removesuffix(")")
    metrics = _metrics(text, version[0])
    if isinstance(metrics, InvalidVector):
        return metrics
    if version == "2.0":
        score = _score_2(metrics)
    elif version == "4.0":
        score = _score_4(metrics)
    else:
        score = _score_3(metrics, version)
    return BaseScore(version, float(score), rating(float(score), version))


def _metrics(text: str, major: str) -> dict[str, str] | InvalidVector:
    found: dict[str, str] = {}
    allowed = {**_OPTIONAL[major], **_BASE[major]}
    for part in text.split("/"):
        name, _, value = part.partition(":")
        if name not in allowed:
            return InvalidVector(f"{part!r} is no metric of version {major}")
        if value not in allowed[name]:
            return InvalidVector(f"{name} has no value {value!r}")
        if name in found:
            return InvalidVector(f"{name} is given twice")
        found[name] = value
    missing = [name for name in _BASE[major] if name not in found]
    return InvalidVector(f"{missing[0]} is missing") if missing else found


def rating(score: float, version: str = "3.1") -> str:
    """The word for a score. Version 2 has none of its own; NVD's is used, which knows no ``critical``."""
    if version == "2.0":
        return "high" if score >= 7 else "medium" if score >= 4 else "low"
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low" if score > 0 else "none"


# --- version 2 -----------------------------------------------------------------------------------------------------------------------------------


def _weights(text: str) -> dict[str, Fraction]:
    return {name: Fraction(weight) for name, _, weight in (part.partition("=") for part in text.split())}


_WEIGHTS_2: Final = {
    "AV": _weights("L=0.395 A=0.646 N=1"),
    "AC": _weights("H=0.35 M=0.61 L=0.71"),
    "Au": _weights("M=0.45 S=0.56 N=0.704"),
    "impact": _weights("N=0 P=0.275 C=0.66"),
}


def _score_2(metrics: Mapping[str, str]) -> Fraction:
    remaining = Fraction(1)
    for name in ("C", "I", "A"):
        remaining *= 1 - _WEIGHTS_2["impact"][metrics[name]]
    impact = Fraction("10.41") * (1 - remaining)
    exploitability = 20 * _WEIGHTS_2["AV"][metrics["AV"]] * _WEIGHTS_2["AC"][metrics["AC"]] * _WEIGHTS_2["Au"][metrics["Au"]]
    if not impact:
        return Fraction(0)
    return _round((Fraction("0.6") * impact + Fraction("0.4") * exploitability - Fraction("1.5")) * Fraction("1.176"))


def _round(score: Fraction) -> Fraction:
    """To one decimal, half up."""
    return Fraction(floor(score * 10 + Fraction(1, 2)), 10)


# --- version 3 -----------------------------------------------------------------------------------------------------------------------------------

_WEIGHTS_3: Final = {
    "AV": _weights("N=0.85 A=0.62 L=0.55 P=0.2"),
    "AC": _weights("L=0.77 H=0.44"),
    "PR": _weights("N=0.85 L=0.62 H=0.27"),
    "PR changed": _weights("N=0.85 L=0.68 H=0.5"),
    "UI": _weights("N=0.85 R=0.62"),
    "impact": _weights("H=0.56 L=0.22 N=0"),
}


def _score_3(metrics: Mapping[str, str], version: str) -> Fraction:
    is_changed = metrics["S"] == "C"
    remaining = Fraction(1)
    for name in ("C", "I", "A"):
        remaining *= 1 - _WEIGHTS_3["impact"][metrics[name]]
    base = 1 - remaining
    if is_changed:
        impact = Fraction("7.52") * (base - Fraction("0.029")) - Fraction("3.25") * (base - Fraction("0.02")) ** 15
    else:
        impact = Fraction("6.42") * base
    if impact <= 0:
        return Fraction(0)
    exploitability = Fraction("8.22") * _WEIGHTS_3["PR changed" if is_changed else "PR"][metrics["PR"]]
    for name in ("AV", "AC", "UI"):
        exploitability *= _WEIGHTS_3[name][metrics[name]]
    return _round_up(min((impact + exploitability) * (Fraction("1.08") if is_changed else 1), Fraction(10)), version)


def _round_up(score: Fraction, version: str) -> Fraction:
    """The smallest number with one decimal that is not less. Version 3.1 first drops what is beyond five decimals (appendix A)."""
    if version == "3.1":
        score = Fraction(floor(score * 100_000 + Fraction(1, 2)), 100_000)
    return Fraction(ceil(score * 10), 10)


# --- version 4 -----------------------------------------------------------------------------------------------------------------------------------

# How far each value is below the worst one, in steps.
_STEPS: Final = {
    "AV": "NALP",
    "PR": "NLH",
    "UI": "NPA",
    "AC": "LH",
    "AT": "NP",
    **dict.fromkeys(("VC", "VI", "VA", "SC", "SI", "SA"), "HLN"),
}
# Of each set of metrics: its metrics, and for each of its levels the worst vectors and the depth (tables 24 to 29). Threat and environment are at
# their worst, as they count where they are not told.
_SETS: Final[tuple[tuple[tuple[str, ...], dict[int, tuple[tuple[str, ...], int]]], ...]] = (
    (("AV", "PR", "UI"), {0: (("NNN",), 1), 1: (("ANN", "NLN", "NNP"), 4), 2: (("PNN", "ALP"), 5)}),
    (("AC", "AT"), {0: (("LN",), 1), 1: (("HN", "LP"), 2)}),
    (("VC", "VI", "VA"), {0: (("HHH",), 7), 1: (("LHH", "HLH"), 8), 2: (("LLL",), 10)}),
    (("SC", "SI", "SA"), {1: (("HHH",), 5), 2: (("LLL",), 4)}),
)


@cache
def _macro_vectors() -> dict[str, Fraction]:
    table = (files(__package__) / "data" / "cvss4_macro_vectors.csv").read_text("utf-8")
    return {row["macro_vector"]: Fraction(row["score"]) for row in csv.DictReader(table.splitlines())}


def _levels(metrics: Mapping[str, str]) -> tuple[int, int, int, int]:
    """The levels of exploitability, complexity, and the impact on the vulnerable and the subsequent system."""
    worst = [metrics["AV"] == "N", metrics["PR"] == "N", metrics["UI"] == "N"]
    exploitability = 0 if all(worst) else 1 if any(worst) and metrics["AV"] != "P" else 2
    complexity = 0 if metrics["AC"] == "L" and metrics["AT"] == "N" else 1
    high = [metrics[name] == "H" for name in ("VC", "VI", "VA")]
    vulnerable = 0 if high[0] and high[1] else 1 if any(high) else 2
    subsequent = 1 if "H" in (metrics["SC"], metrics["SI"], metrics["SA"]) else 2
    return exploitability, complexity, vulnerable, subsequent


def _macro_vector(levels: tuple[int, int, int, int], threat: int = 0, requirements: int | None = None) -> Fraction | None:
    """The score of a MacroVector; None where there is none. The sixth level, that of the security requirements, is 0 when an impact is high."""
    if requirements is None:
        requirements = 1 if levels[2] == 2 else 0
    return _macro_vectors().get("".join(map(str, (*levels, threat, requirements))))


def _score_4(metrics: Mapping[str, str]) -> Fraction:
    if all(metrics[name] == "N" for name in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return Fraction(0)
    levels = _levels(metrics)
    score = _macro_vector(levels)
    assert score is not None, levels  # noqa: S101 (the table is complete; a test holds it to that)
    distances: list[Fraction] = []
    for place, (names, maxima) in enumerate(_SETS):
        worst, depth = maxima[levels[place]]
        if (lower := _next_lower(levels, place)) is not None:
            distances.append((score - lower) * _distance(metrics, names, worst) / depth)
    if _macro_vector(levels, threat=1) is not None:
        distances.append(Fraction(0))  # the threat is at its worst already
    if distances:
        score -= sum(distances, Fraction(0)) / len(distances)
    return _round(max(Fraction(0), min(score, Fraction(10))))


def _next_lower(levels: tuple[int, int, int, int], place: int) -> Fraction | None:
    """The score of the MacroVector that is one level lower in one set; the third goes together with the security requirements."""
    lowered = (*levels[:place], levels[place] + 1, *levels[place + 1 :])
    step = (lowered[0], lowered[1], lowered[2], lowered[3])
    if place != 2:
        return _macro_vector(step, requirements=1 if levels[2] == 2 else 0)
    if levels[2] == 0:
        return max(filter(None, (_macro_vector(levels, requirements=1), _macro_vector(step, requirements=0))), default=None)
    return _macro_vector(levels, requirements=1) if levels[2] == 1 else None


def _distance(metrics: Mapping[str, str], names: tuple[str, ...], worst: tuple[str, ...]) -> int:
    """The steps down from the first of the worst vectors that is nowhere better."""
    for vector in worst:
        steps = [_STEPS[name].index(metrics[name]) - _STEPS[name].index(value) for name, value in zip(names, vector, strict=True)]
        if min(steps) >= 0:
            return sum(steps)
    return 0
