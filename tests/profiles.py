"""Hypothesis profiles: ``dev``, ``ci`` with more examples, which are the same in every run, and ``brief`` with few.

``brief`` is for a second run, in the environment of the runtime, of what has passed with all examples in the first.
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
    settings.register_profile("ci", base, max_examples=100, derandomize=True, print_blob=True)
    settings.register_profile("brief", base, max_examples=10, derandomize=True, print_blob=True)
    settings.load_profile(PROFILE)


def examples(count: int) -> int:
    """Return the number of examples in this profile.

    :param count: In ``ci``; ``dev`` has a twentieth, but 20 at least, and ``brief`` half of that.
    """
    if PROFILE == "ci":
        return count
    return max(count // 20, 20) if PROFILE == "dev" else max(count // 40, 10)
