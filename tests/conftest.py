"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# Machines are noisy: an example that takes long is no failure.
settings.register_profile("kubesaga", deadline=None)
settings.load_profile("kubesaga")
