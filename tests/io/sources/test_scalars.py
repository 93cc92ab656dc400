"""What a scalar means, against Kubernetes' own reading of it: near every border between the types, as a value and as a key."""

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.io.sources import scalars
from seawall.io.sources.document import value_of
from seawall.io.sources.nodes import Malformed, compose

from .conftest import Kubernetes, Refused
