"""What the engine knows of a cluster that is worth a finding: pure functions from :class:`~seawall.deploy.network.rules.facts.Facts` to facts.

The rules themselves, with their titles and explanations, stand with all others in :mod:`seawall.deploy.workload.rules`; they import this room when
the input has something to judge.
"""
