"""One file per format: a path pattern and a pure parser. A module here has one or more module-level ``Cataloguer`` values, and is found by that."""
