"""Vulnerabilities of what a target holds."""

from typing import Any

from seawall.app.images import Contents


def by_layer(contents: Contents, database: str | None) -> dict[str, list[dict[str, Any]]] | None:
    return None
