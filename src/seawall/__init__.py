"""Seawall secures Kubernetes from the Dockerfile to the running pod.

Floors, from the top: ``app`` (wiring), ``govern`` (across the phases), ``build`` / ``deploy`` / ``run`` (the phases),
``io`` (the outside) and ``core`` (the vocabulary). A floor imports only floors below it; ``docs/architecture.md`` has the plan.
"""

__version__ = "0.1.0"
