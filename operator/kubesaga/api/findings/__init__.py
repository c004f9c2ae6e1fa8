"""Everything that is wrong with what a user wrote, all at once, with stable codes and remedies.

What the API server's schema can say is said there too; here it is found without a server, and with it what no
schema can say: unknown dependencies, cycles, schemas that cannot be used. Called by the runtime for
TaskTemplate.status.
"""

from __future__ import annotations

from kubesaga.api.findings.check import check_task, check_template
from kubesaga.api.findings.finding import Code, Finding

__all__ = ["Code", "Finding", "check_task", "check_template"]
