"""Whether packets can be sent on this machine."""

import pytest

from seawall.core.errors import UsageError
from seawall.io.netns.namespace import Namespace
from seawall.io.netns.programs import find_programs


def why_not() -> str:
    """Why no packets can be sent here; empty where they can."""
    try:
        find_programs()
        Namespace().close()
    except UsageError as error:
        return str(error)
    return ""


needs_packets = pytest.mark.skipif(bool(why_not()), reason=why_not())
