"""Hypothesis profiles: ``dev``, ``ci`` with more examples, and ``thorough`` with many.

All but ``dev`` have the same examples in every run. ``thorough`` is for changes to what reads input, and for releases.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev")
"""The one that is loaded."""


def load_profile() -> None:
    """Register the profiles and load one; no example has a deadline."""
    base = settings(deadline=None, suppress_health_check=list(HealthCheck))
    settings.register_profile("dev", base, max_examples=25)
    settings.register_profile("ci", base, max_examples=40, derandomize=True, print_blob=True)
    settings.register_profile("thorough", base, max_examples=100, derandomize=True, print_blob=True)
    settings.load_profile(PROFILE)


def examples(count: int) -> int:
    """Return the number of examples in this profile.

    :param count: In ``thorough``; ``ci`` has a quarter and ``dev`` a twentieth, both with a minimum.
    """
    parts = {"thorough": (1, 0), "ci": (4, 30), "dev": (20, 20)}
    divisor, minimum = parts[PROFILE]
    return min(max(count // divisor, minimum), count)
