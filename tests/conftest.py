"""Settings that all tests share."""

from hypothesis import HealthCheck, settings

# The same examples in each run, so that a failure repeats; no deadline, since a first call may compile or allocate.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")
