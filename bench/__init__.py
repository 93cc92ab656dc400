"""Measures Seawall beside its peers: ``python -m bench.scan``. What is measured and how is told in ``docs/performance.md``."""
