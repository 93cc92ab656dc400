"""Reads and writes baseline files."""

import msgspec

from seawall.core.baseline import Baseline
from seawall.core.errors import InputError
from seawall.io.sources.manifests import read_bytes


def read_baseline(path: str) -> Baseline:
    """The baseline in a file. Raises ``InputError`` for anything else."""
    try:
        baseline = msgspec.json.decode(read_bytes(path), type=Baseline)
    except msgspec.DecodeError as error:
        raise InputError(path, f"is no baseline: {error}") from None
    if baseline.schema != Baseline().schema:
        raise InputError(path, f"is a {baseline.schema}, not a {Baseline().schema}")
    return baseline


def write_baseline(path: str, baseline: Baseline) -> None:
    """One finding a line, so that the file can be reviewed and merged."""
    lines = b",\n  ".join(
        msgspec.json.encode(known) for known in sorted(baseline.findings, key=lambda known: (known.path, known.rule, known.fingerprint))
    )
    text = b'{"schema": "%s",\n "findings": [\n  %s\n ]}\n' % (baseline.schema.encode(), lines)
    try:
        with open(path, "wb") as file:
            file.write(text)
    except OSError as error:
        raise InputError(path, f"cannot be written: {(error.strerror or str(error)).lower()}") from None
