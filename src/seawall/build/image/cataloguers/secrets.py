"""Credentials in files that are made to hold them: private keys, ``.env``, ``.npmrc``, cloud and registry logins.

They are told of every layer, as one that a later layer removed is still in the image for whoever pulls it. No value leaves this file.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Secret
from seawall.core.credentials import credential_in_text, shape_of

MAX_BYTES: Final = 2**20
_PATHS: Final = (
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.ppk", ".env", "*.env", ".env.*", ".npmrc", ".pypirc", ".netrc", "_netrc",
    ".git-credentials", ".pgpass", ".my.cnf", ".dockercfg", "**/.docker/config.json", "**/.aws/credentials", "**/.kube/config",
    "**/.config/gcloud/*.json", "**/.azure/*.json", "**/run/secrets/*",
)  # fmt: skip
# Keys and settings that are published with a package for its tests and examples.
_PUBLISHED: Final = re.compile(r"(?:^|/)(?:tests?|testdata|fixtures|examples?|docs?|man)/|^usr/share/")


def parse(file: File) -> Facts:
    if len(file.data) > MAX_BYTES or _PUBLISHED.search(file.path):
        return
    text = file.data.decode(errors="replace")
    if shape := shape_of(text):
        yield Secret(shape)
    elif name := credential_in_text(text):
        yield Secret(f"a literal credential in {name}")


CATALOGUER: Final = Cataloguer("secrets", parse, _PATHS)
