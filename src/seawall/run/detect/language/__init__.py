"""Falco's rule language: read, merge, compile; print a condition back.

``tree`` is what comes out. ``compile_rules([RuleFile("my_rules.yaml", text)])`` gives a :class:`tree.RuleSet`; ``parser.parse(text)`` one condition.
"""

from seawall.run.detect.language.compiler import compile_condition, compile_rules
from seawall.run.detect.language.tree import CompiledRule, Message, RuleFile, RuleSet

__all__ = ["CompiledRule", "Message", "RuleFile", "RuleSet", "compile_condition", "compile_rules"]
