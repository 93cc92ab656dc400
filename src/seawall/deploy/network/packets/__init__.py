"""The answers of the engine, tested with packets: policies as rules of nftables between namespaces, one for each pod.

1. ``plan.py`` chooses stations with test addresses, ports and probes, and says what is not tested.
2. ``ruleset.py`` compiles the policies, tier by tier and rule by rule: from the model, never from the matrix that is put to the test.
3. ``verify.py`` sends the probes (:mod:`seawall.io.netns`) and compares what became of them with the matrix.
"""
