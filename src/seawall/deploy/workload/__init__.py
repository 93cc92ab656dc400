"""Judges Kubernetes objects: configuration rules and the Pod Security Standards.

Public verbs:

* ``registry()``: the rules of this room.
* ``compile_checks(policy, only, skip)``: what a policy wants judged.
* ``judge(resource, checks)``: the findings of one object.

    checks = compile_checks(Policy(profile="pss-restricted@v1.29"))
    for resource in read_manifest("web.yaml"):
        print(judge(resource, checks).findings)
"""

from seawall.deploy.workload.engine import Checks, Judgement, judge
from seawall.deploy.workload.selection import compile_checks, registry

__all__ = ["Checks", "Judgement", "compile_checks", "judge", "registry"]
