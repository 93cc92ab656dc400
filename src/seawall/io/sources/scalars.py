"""What a YAML scalar means to Kubernetes.

Kubernetes reads YAML through sigs.k8s.io/yaml, which is go-yaml v2: the YAML 1.1 types, except that there are no base-60 numbers, that dates stay
strings, and that a leading zero means octal. A plain ``yes`` is a boolean, ``010`` is eight and ``08`` is eight too, by way of a float.
What comes out is JSON: a whole float is written, and so read, without a point, and infinity and not-a-number are refused.
"""

import re
import struct
from typing import Final

_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_MAY_BE_WORD: Final = frozenset("yYnNtTfFoO~.+-")
_MAY_BE_NUMBER: Final = frozenset("0123456789+-")
_NO_STRING: Final = _MAY_BE_WORD | _MAY_BE_NUMBER

# Go's strconv.ParseInt with base 0, after the underscores are gone; a decimal of more than 20 digits fits no 64 bits.
_INTEGER: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]{0,19})").fullmatch
_SIGNED_BINARY: Final = re.compile(r"0b[-+][01]+").fullmatch  # go-yaml cuts off the prefix first, so that a sign may follow it
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?").fullmatch
_FRACTION: Final = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?").fullmatch

_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = range(2**64)
_EXACT: Final = float(2**53)
_INFINITIES: Final = (float("inf"), float("-inf"))

Scalar = str | int | float | bool | None


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag. Raises ``ValueError`` for the numbers that JSON does not have."""
    if text and text[0] not in _NO_STRING:
        return text
    value = _resolve(text)
    return _json(value) if type(value) is float else value


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag. Raises ``ValueError`` where the text is not of that type."""
    value = _convert(tag, text)
    return _json(value) if type(value) is float else value


def plain_key(text: str) -> str:
    """An unquoted mapping key as the string that JSON wants: ``yes`` becomes ``true``, ``010`` becomes ``8``. Raises ``ValueError`` for null."""
    return _as_key(_resolve(text), text)


def tagged_key(tag: str, text: str) -> str:
    """A mapping key with an explicit tag as the string that JSON wants. Raises ``ValueError`` where it is none."""
    return _as_key(_convert(tag, text), text)


def _resolve(text: str) -> Scalar:
    if not text:
        return None
    first = text[0]
    if first in _MAY_BE_WORD and text in _WORDS:
        return _WORDS[text]
    if first in _MAY_BE_NUMBER:
        return _number(text)
    if first == "." and _FRACTION(text):
        return _in_range(float(text), text)
    return text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    if _INTEGER(digits):
        value = _integer(digits)
        if value in (_INT64 if digits[0] in "+-" else _UINT64):
            return value
    elif _SIGNED_BINARY(digits) and (value := int(digits.removeprefix("0b"), 2)) in _INT64:
        return value
    return _in_range(float(digits), text) if _FLOAT(digits) else text


def _integer(digits: str) -> int:
    unsigned = digits.lstrip("+-")
    return int(digits, 8) if unsigned[0] == "0" and unsigned.isdigit() else int(digits, 0)


def _in_range(value: float, text: str) -> str | float:
    """Go refuses a number that no 64-bit float holds, so that it stays text."""
    return text if value in _INFINITIES else value


def _convert(tag: str, text: str) -> Scalar:
    match tag.removeprefix("tag:yaml.org,2002:"):
        case "bool" | "int" | "null" | "float" as wanted:
            value = _resolve(text)
            if wanted == "float" and type(value) is int and value in _INT64:
                return float(value)
            if {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value)) != wanted:
                raise ValueError(f"cannot decode {text!r} as a !!{wanted}")
            return value
        case "timestamp" if not _TIMESTAMP(text):
            raise ValueError(f"cannot decode {text!r} as a !!timestamp")
        case "binary":
            return _binary(text)
        case _:
            return text


# The four layouts that go-yaml knows; a day that its month does not have is not told apart, as it stays a string in any case.
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?)?"
).fullmatch


def _binary(text: str) -> str:
    import base64  # next to no manifest has it
    import binascii

    try:
        data = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("!!binary value contains invalid base64 data") from None
    # Go puts one replacement character for every bad byte.
    return re.sub("[\udc80-\udcff]", "\ufffd", data.decode("utf-8", "surrogateescape"))


def _json(value: float) -> int | float:
    if value != value or value in _INFINITIES:
        raise ValueError("infinity and not-a-number are no values in JSON")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _as_key(value: Scalar, text: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value in _INT64:
            return str(value)
        case float():
            return _float_key(value)
        case _:
            raise ValueError(f"unsupported mapping key {text!r}")


def _float_key(value: float) -> str:
    """As Go's ``FormatFloat(value, 'g', -1, 32)`` writes it: the fewest digits that tell a 32-bit float from its neighbours."""
    short = _single(value)
    if short != short:
        return ".nan"
    if short in _INFINITIES:
        return ".inf" if short > 0 else "-.inf"
    precision, digits = next((more, text) for more in range(9) if _single(float(text := f"{short:.{more}e}")) == short)
    exponent = int(digits.partition("e")[2])
    return f"{short:.{max(precision - exponent, 0)}f}" if -4 <= exponent < 6 else digits


def _single(value: float) -> float:
    """The nearest 32-bit float."""
    try:
        nearest: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return nearest
