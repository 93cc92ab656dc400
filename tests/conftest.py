"""Settings that hold for all tests."""

import os

from hypothesis import HealthCheck, settings

# The same examples on every run of CI, so that a red build is the fault of the change; at home hypothesis explores.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
