"""Istio as a layer after the network: what the network lets through, the mesh may still refuse.

``load`` reads who is in the mesh, its AuthorizationPolicies and PeerAuthentications; ``layered`` gives the reach of a cluster under both layers, and
``judge`` says of one connection what the mesh decides, by which policy, and what of it is let through above the port.

What the mesh says is compiled to the same model of tiers, policies and rules, judged by the same engine. Both layers must allow.
"""
