"""Observed flows: read from what Hubble, Calico, conntrack and others write, led back to workloads, and laid over what the policies allow.

observed = read(["flows.json"])            # flows of the same ends and port are one, and counted
overlaid = overlay(cluster, observed)      # what policy would deny, and what it grants that nobody uses
"""
