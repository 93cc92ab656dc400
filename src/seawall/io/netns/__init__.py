"""Network namespaces without names, and packets between them."""
