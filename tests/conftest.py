"""What holds for all tests."""

from __future__ import annotations

import gc
import signal

from hypothesis import HealthCheck, settings

# Machines are noisy: an example that takes long is no failure. And a commit passes or fails for good: the examples are
# the same every time. ``--hypothesis-profile=random`` draws others.
settings.register_profile(
    "kubesaga", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
settings.register_profile("random", settings.get_profile("kubesaga"), derandomize=False)
settings.load_profile("kubesaga")

# A shell starts what it runs in the background deaf to Ctrl-C, nohup to the end of the terminal, and the programs that
# tests send these signals to would inherit that. A function is not inherited.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)


def pytest_collection_finish() -> None:
    """What is loaded now stays. To look through it again and again took an eighth of the simulations' time."""
    gc.collect()
    gc.freeze()
