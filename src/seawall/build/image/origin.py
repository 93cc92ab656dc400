"""Where a package came from, where that is a git repository and no registry: the purl qualifier ``vcs_url``.

Source: the purl specification, and SPDX' form of such addresses (``git+https://host/repository@commit``).
"""

import re
from typing import Final

_SHORT: Final = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_CREDENTIALS: Final = re.compile(r"(?<=//)(?!git@)[^/@\s]*@")


def from_git(url: str, commit: str = "") -> dict[str, str]:
    """Qualifiers for a repository and a commit; none without an address. Credentials in it are left out."""
    if not url:
        return {}
    address = url.removeprefix("git+")
    host, colon, repository = address.partition(":")
    if colon and host in _SHORT:
        address = f"https://{_SHORT[host]}/{repository}"
    address = "git+" + _CREDENTIALS.sub("", address, count=1)
    return {"vcs_url": f"{address}@{commit}" if commit else address}
