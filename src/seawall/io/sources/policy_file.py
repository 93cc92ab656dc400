"""``seawall.yaml``: what a team wants judged, found above the target or named."""

import os

import msgspec

from seawall.core.errors import InputError, UsageError
from seawall.core.policy import Policy
from seawall.io.sources.document import Source, documents, value_of
from seawall.io.sources.manifests import decode, read_bytes
from seawall.io.sources.nodes import Malformed

NAME = "seawall.yaml"


def read_policy(path: str) -> Policy:
    """The policy in a file. Raises ``InputError`` when it cannot be read, ``UsageError`` when it says something that no policy can say."""
    source = Source(path, decode(path, read_bytes(path)))
    values = []
    try:
        for document in documents(source):
            if isinstance(document, Malformed):
                raise document
            values.append(value_of(document.root))
    except Malformed as error:
        raise InputError(path, error.message, source.line_and_column(min(error.index, len(source.text)))[0]) from None
    if len(values) > 1:
        raise UsageError(f"{path}: a policy is one YAML document, this file has {len(values)}")
    try:
        return msgspec.convert(values[0] if values else {}, Policy)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_in_words(str(error))}") from None


def find_policy(target: str) -> str | None:
    """The nearest ``seawall.yaml`` in the target's directory or above it."""
    directory = os.path.abspath(target if os.path.isdir(target) else os.path.dirname(target))
    while True:
        path = os.path.join(directory, NAME)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def _in_words(message: str) -> str:
    """msgspec's message without its notation: the path reads ``severity.privileged`` and not ``$.severity.privileged``."""
    return message.replace("`$.", "`").replace("Object", "the policy", 1)
