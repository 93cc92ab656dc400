"""Reads the bills of materials of any tool: CycloneDX 1.2 to 1.7 as JSON and XML, SPDX 2.2 and 2.3 as JSON, YAML and tag-value, SPDX 3.0, our own.

    sbom = read_sbom(data, "app.cdx.json")

Each format has a file that brings a document into one shape (:mod:`.entry`); :mod:`.assemble` makes packages of it.
"""

from seawall.build.sbom.read.assemble import Sbom
from seawall.build.sbom.read.document import read_sbom

__all__ = ["Sbom", "read_sbom"]
