"""Falco's rule language: read, merge, compile; print a condition back.

``tree`` is what comes out. ``compile_rules([RuleFile("my_rules.yaml", text)])`` gives a :class:`tree.RuleSet`; ``parser.parse(text)`` one condition.
"""
