"""What holds for all tests."""

from __future__ import annotations

import gc

from hypothesis import settings

# Machines are noisy: an example that takes long is no failure.
settings.register_profile("kubesaga", deadline=None)
settings.load_profile("kubesaga")


def pytest_collection_finish() -> None:
    """What is loaded now stays. To look through it again and again took an eighth of the simulations' time."""
    gc.collect()
    gc.freeze()
