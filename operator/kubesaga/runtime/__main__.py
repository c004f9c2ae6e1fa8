"""``python -m kubesaga.runtime``: the operator's process. The image's entry point.

Exit codes: 0 after SIGTERM or SIGINT, 1 when a part failed (the log says which), 2 for bad settings.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from kubesaga import __version__
from kubesaga.kube.connection import ConnectError
from kubesaga.runtime import logs
from kubesaga.runtime.connecting import connect_kube
from kubesaga.runtime.feed import FeedError
from kubesaga.runtime.leader import LostLeadership
from kubesaga.runtime.operator import Operator
from kubesaga.runtime.settings import OperatorSettings

log = logging.getLogger("kubesaga.runtime")


async def run(settings: OperatorSettings) -> None:
    """Connect and work until told to stop."""
    kube = await connect_kube(settings.kubeconfig)
    try:
        await Operator(settings, kube).run(asyncio.Event())
    finally:
        await kube.close()


def main() -> int:
    """Read the settings, run, and turn what ended the operator into an exit code."""
    settings = OperatorSettings.parse()
    logs.configure(settings.log_format, settings.log_level)
    log.info("kubesaga operator %s starts as %s", __version__, settings.identity)
    try:
        asyncio.run(run(settings))
    except (ConnectError, FeedError, LostLeadership) as error:
        log.error("%s", error)
        return 1
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
