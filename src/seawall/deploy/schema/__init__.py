"""Checks objects against the OpenAPI schemas of Kubernetes, and custom resources against the schemas of their definitions.

The schemas of Kubernetes 1.25 to 1.37 come as data with the package kubernetes-validate, the validator is jsonschema-rs. Both are the extra
``seawall[schemas]`` and are imported when the first object is checked.

Public verbs:

* ``library(version, strict=True)``: the schemas of one version of Kubernetes; ``Unavailable`` says why there are none.
* ``schemas_of(definition)``: the schemas in a CustomResourceDefinition.
* ``problems(data, schema)``: what is wrong with an object, each at its field and in plain words.

    schemas = library("1.29")
    for problem in problems(data, schemas.schema("apps/v1", "Deployment")):
        print(problem.message)
"""

from seawall.deploy.schema.definition import schemas_of
from seawall.deploy.schema.library import Library, Unavailable, library
from seawall.deploy.schema.problem import Problem, Schema, problems

__all__ = ["Library", "Problem", "Schema", "Unavailable", "library", "problems", "schemas_of"]
