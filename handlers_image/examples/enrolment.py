"""The workflow of examples/python-workflow: a student enrols in a course, written in Python.

    reserve_place ── Payment: authorise ── Invoice: draw_up ── send ── confirm

The same code runs in a process (`python enrolment.py`), in the local engine and on a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kubesaga_sdk import BusinessLogicError, ServiceUnavailableError
from kubesaga_sdk.workflow import (
    ExecutionContext,
    FailureStrategy,
    Process,
    RetryPolicy,
    SyncRunner,
    Workflow,
    task,
)


@dataclass
class Enrolment:
    """What the tasks work on: the request, and what they find out on their way."""

    student: str
    course: str
    fee: Decimal
    credit: Decimal = Decimal(1000)
    """What the student's card is good for."""
    busy: int = 0
    """How often the mail gateway is busy before it takes the invoice."""
    course_began: bool = False
    place: str | None = None
    authorisation: str | None = None
    invoice: str | None = None
    confirmed: bool = False


Context = ExecutionContext[Enrolment]


def give_back(context: Context) -> None:
    """Undoes reserve_place."""
    print(f"place {context.data.place} is free again")


@task(undo=give_back)
def reserve_place(context: Context) -> None:
    """Holds a place in the course."""
    context.data.place = f"{context.data.course}-1"
    context.metadata["desk"] = "admissions"


def release(context: Context) -> None:
    """Undoes authorise."""
    print(f"{context.data.fee} of authorisation {context.data.authorisation} is released")


@task(undo=release)
def authorise(context: Context) -> None:
    """Has the fee authorised by the card's bank."""
    context.data.authorisation = f"auth-{context.data.student}"
    if context.data.fee > context.data.credit:
        # The attempt fails: what stands in the line before is gone with its copy of the data.
        raise BusinessLogicError(f"the card is not good for {context.data.fee}", "CARD_DECLINED")


def cancel_invoice(context: Context) -> None:
    """Undoes draw_up."""
    print(f"invoice {context.data.invoice} is cancelled")


@task(undo=cancel_invoice)
def draw_up(context: Context) -> None:
    """Draws up the invoice; the key is the same for each attempt, so that there is one invoice."""
    context.data.invoice = f"invoice-{context.data.student}"
    print(f"invoice drawn up under {context.metadata['idempotencyKey']}")


@task(retry_policy=RetryPolicy(3, delay=0.2))
def send(context: Context) -> None:
    """Mails the invoice."""
    if context.metadata["attempt"] <= context.data.busy:
        raise ServiceUnavailableError("the mail gateway is busy", "GATEWAY_BUSY")


@task()
def confirm(context: Context) -> None:
    """Enters the student in the course's list."""
    if context.data.course_began:
        raise BusinessLogicError(f"{context.data.course} has begun", "TOO_LATE")
    context.data.confirmed = True


workflow = Workflow(
    "Enrolment",
    [reserve_place, Process("Payment", [authorise, Process("Invoice", [draw_up, send])]), confirm],
    FailureStrategy.COMPENSATE,
    domain="university",
    version="1.0.0",
    description="A student enrols in a course. Written in Python, see handlers_image/examples/enrolment.py.",
    timeout=300,
)


if __name__ == "__main__":
    ada = Enrolment("ada", "algebra", Decimal("90.00"), busy=1)
    print(SyncRunner().run(workflow, ExecutionContext(ada)).data)
