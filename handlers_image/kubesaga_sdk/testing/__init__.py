"""The test kit: run a handler, or a whole template, in a test, without a cluster and without waiting.

    from kubesaga_sdk.testing import make_context, run_handler, run_template, attempts, takes

Used by the tests of whoever writes handlers and templates. Handlers need nothing but this SDK; whole templates are run
by the engine of the operator (``pip install kubesaga``), under virtual time, in which an hour of backoff takes no time.
``plugin`` is the pytest plugin that comes with it.
"""

from __future__ import annotations

from kubesaga_sdk.testing.context import make_context
from kubesaga_sdk.testing.handler_run import HandlerError, HandlerRun, run_handler
from kubesaga_sdk.testing.stubs import attempts, takes
from kubesaga_sdk.testing.template_run import StepRun, TemplateRun, run_template

__all__ = [
    "HandlerError",
    "HandlerRun",
    "StepRun",
    "TemplateRun",
    "attempts",
    "make_context",
    "run_handler",
    "run_template",
    "takes",
]
