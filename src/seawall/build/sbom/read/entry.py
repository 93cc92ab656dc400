"""The one shape of all formats: what a document lists, before it is known what of it is a package."""

from msgspec import Struct

from seawall.build.image.cataloguer import Problem


class Entry(Struct):
    """A component of CycloneDX, a package of SPDX.

    ``kind`` is CycloneDX' word (``library``, ``operating-system``, ``container``), empty where a format has none. ``path`` and ``layer`` tell where
    it lies, ``properties`` are what tools add in their own names, ``source`` is the name and version of the package it was built from.
    """

    ref: str
    name: str
    version: str = ""
    kind: str = ""
    group: str = ""
    purls: list[str] = []
    licenses: list[str] = []
    properties: dict[str, str] = {}
    path: str = ""
    layer: str = ""
    source: tuple[str, str] = ("", "")
    development: bool = False


class Document(Struct):
    """``format`` and ``tool`` are for people. ``subjects`` are the refs of what the document is about; its ``name`` is used where they have none.

    ``edges`` are pairs of refs: the first needs the second.
    """

    format: str
    tool: str = ""
    name: str = ""
    subjects: list[str] = []
    entries: list[Entry] = []
    edges: list[tuple[str, str]] = []
    problems: list[Problem] = []
