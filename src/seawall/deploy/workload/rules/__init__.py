"""The rules on workload objects, one file per category of the catalogue. Importing this package declares them all.

A rule is a description and a pure function over a container, a pod or an object (see :mod:`seawall.deploy.workload.check`).
``CONTRIBUTING.md`` shows how to add one in ten minutes.
"""

from seawall.deploy.workload.rules import availability, correctness, exposure, isolation, jobs, network_policy, probes

__all__ = ["availability", "correctness", "exposure", "isolation", "jobs", "network_policy", "probes"]
