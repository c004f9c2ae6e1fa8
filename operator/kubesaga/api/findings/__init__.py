"""Everything that is wrong with what a user wrote, all at once, with stable codes and remedies.

What the API server's schema can say is said there too; here it is found without a server, and with it what no
schema can say: unknown dependencies, cycles, schemas and expressions that cannot be used. Called by the runtime for
TaskTemplate.status, for a Task that starts, and for a TaskAction that is to be applied; by the client before it sends;
by the local engine; and by the commands that judge files (``lint``, ``diff``, ``import``, ``generate``).
"""

from __future__ import annotations

from kubesaga.api.findings.check import check_action, check_task, check_template
from kubesaga.api.findings.finding import Code, Finding

__all__ = ["Code", "Finding", "check_action", "check_task", "check_template"]
