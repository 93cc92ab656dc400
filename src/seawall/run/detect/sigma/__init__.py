"""Sigma rules for Kubernetes audit logs as rules of ours. ``translate(text)`` gives a ``Translation``, ``written(rules)`` a rule file.

pySigma (an optional extra) reads the rules: it knows Sigma's grammar, modifiers and conditions to the letter, and gives a tree that only has to be
said in our language. It is imported late, as its licence is the LGPL and its dependencies are many.
"""
