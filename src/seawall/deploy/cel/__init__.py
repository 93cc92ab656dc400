"""Rules of a user's own, written in CEL (Common Expression Language) over one object.

CEL is the language that Kubernetes itself uses for validation: an expression has no loops without end and no side effects, and its value depends on
nothing but the object. It runs on Google's C++ core (cel-expr-python, the extra ``seawall[cel]``), imported when the first expression is compiled.

Public verbs:

* ``compile_expression(text)``: a program; ``UsageError`` tells where a text is no CEL.
* ``evaluate(text, data)``: the value of an expression on an object, or the error that it ends in.
* ``read_rules(entries)``: the entries of ``custom_rules`` in a policy as :class:`CustomRule`.
* ``custom_checks(definitions)``: user rules as checks like any other.

    rule = CustomRule(id="team/owner", title="Has an owner", expression="has(object.metadata.labels.owner)")
    checks = Checks((check, {}) for check in custom_checks([rule]))
"""

from seawall.deploy.cel.checks import custom_checks
from seawall.deploy.cel.expression import Program, Result, compile_expression, evaluate
from seawall.deploy.cel.model import CustomRule, read_rules

__all__ = ["CustomRule", "Program", "Result", "compile_expression", "custom_checks", "evaluate", "read_rules"]
