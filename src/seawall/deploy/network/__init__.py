"""Who can talk to whom: one tiered policy model, reachability, proof, explanation, generation, packets."""
