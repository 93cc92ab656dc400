"""The second phase: what is written down to run in a cluster, judged before it does."""
