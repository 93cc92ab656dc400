"""The rules on Kubernetes objects, one file per topic. Importing this package declares them all.

A rule is a description and a pure function over a container, a pod or an object (see :mod:`seawall.deploy.workload.check`).
``CONTRIBUTING.md`` shows how to add one in ten minutes.
"""

from seawall.deploy.workload.rules import (
    addons,
    api_hygiene,
    availability,
    capabilities,
    correctness,
    exposure,
    filesystem,
    identity,
    image,
    isolation,
    jobs,
    network,
    network_policy,
    privilege,
    probes,
    rbac_bindings,
    rbac_roles,
    rbac_takeover,
    resources,
    scheduling,
    schema,
    secrets,
    tenancy,
)

__all__ = [
    "addons",
    "api_hygiene",
    "availability",
    "capabilities",
    "correctness",
    "exposure",
    "filesystem",
    "identity",
    "image",
    "isolation",
    "jobs",
    "network",
    "network_policy",
    "privilege",
    "probes",
    "rbac_bindings",
    "rbac_roles",
    "rbac_takeover",
    "resources",
    "scheduling",
    "schema",
    "secrets",
    "tenancy",
]
