"""CEL expressions: compiled once, evaluated on many objects, bounded.

The environment has the standard library and macros of CEL with its extensions for strings, optional values (``object.?spec``) and ``math``, and one
variable, ``object``. Library functions that Kubernetes adds (``quantity``, ``url``, ``ip``...) are not there.

An evaluation ends in a value or in an error, never in an exception. The core refuses an expression that nests deeper than 32, and stops one that
loops more than 10,000 times. What it does not bound is what an expression builds: texts and lists that double again and again. So memory is bounded
here, values are taken over up to a size, and an expression may build lists from lists only a few times.

Sources: https://github.com/google/cel-spec/blob/master/doc/langdef.md; the runtime options of https://github.com/google/cel-cpp.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

import msgspec
from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.deploy.cel.memory import limited_memory

INSTALL: Final = "pip install 'seawall[cel]'"
MAX_LENGTH: Final = 4_000
"""Characters of an expression."""
MAX_BUILDERS: Final = 3
"""How often an expression may use the macros that give a value a name and build with it. Each can repeat what the one before it built as often as it
is long, and the copies cost no memory, only the time to look at them."""
MAX_VALUES: Final = 100_000
"""Values within a result."""

_BUILDERS: Final = re.compile(r"\b(?:map|optMap|optFlatMap)\b")
_NUL: Final = rb"\u0000"
_POSITION: Final = re.compile(r"<input>:(-?[0-9]+):(-?[0-9]+): (.*)")
_STATUS: Final = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")


class Result(Struct, frozen=True):
    """The value of an expression as Python data, or (``error`` is not empty) why it has none.

    ``type`` is CEL's name of the value's type (``bool``, ``int``, ``string``, ``list``, ...).
    """

    value: Any = None
    type: str = ""
    error: str = ""


class Program:
    """A compiled expression. ``returns`` is CEL's name of the type that it gives, ``dyn`` where that depends on the object."""

    def __init__(self, evaluate: Callable[[Mapping[str, Any]], Any], returns: str) -> None:
        self._evaluate = evaluate
        self.returns = returns
        self._gave_up = ""

    def run(self, data: Mapping[str, Any]) -> Result:
        """Evaluate with ``object`` bound to the data. After it once ran out of memory the program is not tried again."""
        if self._gave_up:
            return Result(error=self._gave_up)
        try:
            if _NUL in msgspec.json.encode(data):
                # The binding cuts text there, so that an expression would see, and pass, another object.
                return Result(error="text with a NUL character cannot be judged")
            with limited_memory():
                value = self._evaluate({"object": data})
                kind, plain = value.type().name().lower(), _plain(value, [MAX_VALUES])
        except MemoryError:
            self._gave_up = "the expression needs too much memory"
            return Result(error=self._gave_up)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            return Result(error=_reason(str(error)))
        if kind in ("error", "unknown"):
            return Result(error=_reason(str(plain)))
        return Result(plain, kind.partition("<")[0])


def evaluate(text: str, data: Mapping[str, Any]) -> Result:
    """The value of an expression on an object. Raises ``UsageError`` when the text is no CEL."""
    return compile_expression(text).run(data)


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Program:
    """Compile an expression. Raises ``UsageError`` with line, column and reason when it is none, and when the extra is not installed."""
    if len(text) > MAX_LENGTH:
        raise UsageError(f"the expression has {len(text)} characters; it may have {MAX_LENGTH}")
    if len(_BUILDERS.findall(text)) > MAX_BUILDERS:
        raise UsageError(f"the expression uses map (or optMap, optFlatMap) more than {MAX_BUILDERS} times")
    environment = _environment()
    try:
        expression = environment.compile(text)
    except (RuntimeError, ValueError) as error:
        raise UsageError(_where(str(error))) from None
    returns = expression.return_type().name().lower().partition("<")[0]
    return Program(lambda variables: expression.eval(data=variables), returns)


@lru_cache(maxsize=1)
def _environment() -> Any:
    try:
        # 20 ms with its extensions; only who has rules in CEL pays. By name, because the package tells no types.
        cel = import_module("cel_expr_python.cel")
        strings, optional, math = (import_module(f"cel_expr_python.ext.ext_{name}") for name in ("strings", "optional", "math"))
    except ImportError:
        raise UsageError(f"rules in CEL need an extra: {INSTALL}") from None
    extensions = [strings.ExtStrings(), optional.ExtOptional(), math.ExtMath()]
    return cel.NewEnv(variables={"object": cel.Type.DYN}, extensions=extensions)


def _plain(value: Any, left: list[int]) -> Any:
    """A value of the core as Python data; ``left`` counts down what may still be taken over. Raises ``ValueError`` when that is too much.

    The core's own conversion has no bound, and small values may stand for endless ones, because their parts are shared.
    """
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"the result has more than {MAX_VALUES} values")
    inner = value.value()
    if type(inner) is list:
        return [_plain(item, left) for item in inner]
    if type(inner) is dict:
        return {key: _plain(item, left) for key, item in inner.items()}
    return inner


def _where(message: str) -> str:
    """The first error of the compiler, with its place counted from 1: ``line 1, column 4: undeclared reference to 'now'``."""
    for line, column, text in _POSITION.findall(message):
        if int(line) > 0:
            reason = text.replace(" (in container '')", "").replace("Syntax error: ", "")
            return f"line {line}, column {column}: {reason.partition(' expecting {')[0]}"
    if "recursion" in message:
        return "the expression nests too deep"
    return _reason(message)


def _reason(message: str) -> str:
    """The core's message in one line, without its status code and with the names that Kubernetes uses."""
    text = " ".join(_STATUS.sub("", _STATUS.sub("", message.strip())).split())
    if text.startswith("Key not found in map : "):
        return f"no such key: {text.removeprefix('Key not found in map : ').strip(chr(34))}"
    if text == "Applying SELECT to non-message type":
        return "a field of a value that has no fields"
    if text == "Iteration budget exceeded":
        return "the expression loops too often"
    if text.startswith("Unable to convert"):
        return "the expression gives a value that cannot be shown (an optional one needs orValue)"
    return text[:1].lower() + text[1:]
