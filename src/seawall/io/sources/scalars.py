"""What a plain YAML scalar means to Kubernetes.

Kubernetes reads YAML through sigs.k8s.io/yaml, which is go-yaml v2: the YAML 1.1 types, except that there are no base-60 numbers, that dates stay
strings, and that a leading zero means octal. A plain ``yes`` is a boolean, ``010`` is eight and ``08`` is the float eight.
"""

import re
from typing import Final

_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_MAY_BE_WORD: Final = frozenset("yYnNtTfFoO~.+-")
_MAY_BE_NUMBER: Final = frozenset("0123456789+-")

# Go's strconv.ParseInt with base 0, after the underscores are gone.
_INTEGER: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)").fullmatch
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?").fullmatch
_FRACTION: Final = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?").fullmatch
_FITS_64_BITS: Final = range(-(2**63), 2**64)
_LONGEST_INTEGER: Final = 72  # 64 binary digits, a sign and a prefix; a longer one cannot fit, and Python is slow to read it


def plain(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar without a tag."""
    if not text:
        return None
    first = text[0]
    if first in _MAY_BE_WORD and text in _WORDS:
        return _WORDS[text]
    if first in _MAY_BE_NUMBER:
        return _number(text)
    if first == "." and _FRACTION(text):
        return _finite(text)
    return text


def tagged(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar with an explicit tag. Raises ``ValueError`` where the text is not of that type."""
    match tag.removeprefix("tag:yaml.org,2002:"):
        case "bool" | "int" | "null" | "float" as wanted:
            value = plain(text)
            if wanted == "float" and type(value) is int:
                return float(value)
            if {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value)) != wanted:
                raise ValueError(f"cannot decode {text!r} as a !!{wanted}")
            return value
        case "binary":
            import base64
            import binascii

            try:
                return base64.b64decode(text, validate=False).decode("utf-8", "replace")
            except binascii.Error as error:
                raise ValueError(f"!!binary value contains invalid base64 data: {error}") from None
        case _:
            return text


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    if len(digits) <= _LONGEST_INTEGER and _INTEGER(digits):
        value = _integer(digits)
        if value in _FITS_64_BITS:
            return value
    return _finite(digits, text) if _FLOAT(digits) else text


def _integer(digits: str) -> int:
    unsigned = digits.lstrip("+-")
    if unsigned[:1] == "0" and unsigned[1:].isdigit():
        return int(digits, 8)
    return int(digits, 0)


def _finite(digits: str, otherwise: str = "") -> str | float:
    value = float(digits)
    # Go refuses a number that is out of range, so that it stays text.
    return (otherwise or digits) if value in (float("inf"), float("-inf")) else value
