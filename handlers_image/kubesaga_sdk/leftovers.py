"""Threads and processes that outlive the handler: the step's process, and with it the step, ends when they do.

Called by `__main__` at the very end, where there are any. Nobody would guess from a pod's log why it goes on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from kubesaga_sdk.log import LOGGER

PATIENCE = 3.0
"""Seconds until it is worth a line: a pool's idle threads end as soon as the process wants to."""


def watch(exit_code: int) -> None:
    """Say what keeps the process from ending, if it still does after `PATIENCE`.

    On SIGTERM it ends without them: what the attempt came to is written already, and `exit_code` goes with it.
    """

    def end(_signum: int, _frame: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)

    signal.signal(signal.SIGTERM, end)
    timer = threading.Timer(PATIENCE, _tell)
    timer.daemon = True
    timer.start()


def _tell() -> None:
    main, children = threading.main_thread(), sys.modules.get("multiprocessing")
    left = [thread.name for thread in threading.enumerate() if not thread.daemon and thread is not main]
    left += [child.name for child in children.active_children() if not child.daemon] if children else []
    if left:
        LOGGER.warning(
            "the handler has ended, and threads or processes of its go on: %s. The step is over when they are: end "
            "them, or start them with daemon=True",
            ", ".join(left),
        )
