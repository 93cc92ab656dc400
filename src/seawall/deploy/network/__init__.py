"""Who can talk to whom: one tiered policy model, reachability, proof, explanation, generation, packets.

* ``load(resources)``: Kubernetes objects to the model, and an error for each policy that is void.
* ``reach(cluster)``: everything that is allowed; ``connections`` writes it down, ``changes`` compares two.
* ``Questions(cluster)``: one connection, and what decides it.

    loaded = load(resources)
    for connection in connections(loaded.cluster, reach(loaded.cluster)):
        print(connection.src, connection.dst, connection.ports)
"""
