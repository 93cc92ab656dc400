"""One file per family of policy kinds: Kubernetes objects in, the model out. A module has ``COMPILERS``, by API group and kind."""
