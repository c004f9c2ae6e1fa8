"""What holds for all tests."""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

# Machines are noisy: an example that takes long is no failure.
settings.register_profile("kubesaga", deadline=None)
settings.load_profile("kubesaga")

# A shell starts what it runs in the background deaf to Ctrl-C, and the programs that tests interrupt inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is loaded now stays. To look through it again and again took an eighth of the simulations' time."""
    gc.collect()
    gc.freeze()
