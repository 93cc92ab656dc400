"""The vocabulary of the house: findings, rules, targets, severities, policies, reports, and Kubernetes objects.

Typed data (msgspec Structs) and small pure functions; no file, process or network is touched here. Every other room speaks in these words,
and none defines a second kind of finding, severity or location.
"""
