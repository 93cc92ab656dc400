"""Judges Kubernetes objects: configuration rules and the Pod Security Standards.

Public verbs:

* ``registry()``: the rules of this room.
* ``compile_checks(policy, only, skip)``: what a policy wants judged.
* ``judge(resource, checks)``: the findings of one object.
* ``judge_together(Inventory(resources), checks)``: what is wrong between objects.

    checks = compile_checks(Policy(profile="pss-restricted@v1.29"))
    for resource in read_manifest("web.yaml"):
        print(judge(resource, checks).findings)
"""

from seawall.deploy.workload.engine import Checks, Judgement, judge, judge_together
from seawall.deploy.workload.inventory import Inventory
from seawall.deploy.workload.selection import compile_checks, is_pod_security, registry

__all__ = ["Checks", "Inventory", "Judgement", "compile_checks", "is_pod_security", "judge", "judge_together", "registry"]
