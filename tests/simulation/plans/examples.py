"""The examples as plans: each Task of each folder, with a script by which happens what the README tells.

The crash sweep plays them. The programs answer as the examples' handlers do; the golden histories say how each Task
ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.golden.examples import NAMES, golden, manifests
from tests.simulation.plan import Act, Outcome, Plan, Submit

_ANSWERED_AT = 45.0
"""When people answer an approval: late enough that it is open, whatever has befallen the operator."""


def _does(result: Any) -> Outcome:
    return Outcome(document={"result": result})


def _fails(type_: str, *, retryable: bool = False) -> Outcome:
    return Outcome(document={"error": {"type": type_, "message": "no", "retryable": retryable}}, code=1)


_READINGS = [{"sensor": "a", "celsius": 20}, {"sensor": "b", "celsius": 22}]
_SUMMARY = _does({"mean": 21, "weather": "sunny"})
_CONFIRMED = _does({"what": "TP571", "booking": "b-1"})
_PUBLISHED = {"summarise": _SUMMARY, "post": _does({"headline": "mean 21 degrees"})}
_BOOKED = _does({"entry": "e-1", "euros": 109440})

SCRIPTS: Mapping[str, Mapping[str, Outcome | tuple[Outcome, ...]]] = {
    "order-succeeds": {"charge_payment": (_fails("BankBusy", retryable=True), _does({"paymentId": "p-1"}))},
    "order-compensated": {"ship_order": _fails("NotDelivered")},
    "order-refused": {},
    "lisbon": {"confirm": _CONFIRMED},
    "lisbon-sold-out": {"confirm": _CONFIRMED, "hold@book-hotel": _fails("SoldOut")},
    "quiet-day": {"fetch_readings": _does(_READINGS), "find_outliers": _does({"sensors": []}), **_PUBLISHED},
    "hot-day": {
        "fetch_readings": _does(_READINGS),
        "fetch_weather": _fails("WeatherDown", retryable=True),
        "find_outliers": _does({"sensors": ["b"]}),
        **_PUBLISHED,
    },
    "broken-sensor": {"fetch_readings": _does([{"sensor": "a", "celsius": "n/a"}])},
    "claim-small": {"check_claim": _does({"needsApproval": False})},
    "claim-large": {"check_claim": _does({"needsApproval": True})},
    "claim-refused": {"check_claim": _does({"needsApproval": True})},
    "some-words": {},
    "no-words": {"count_words": _fails("NoText")},
    "quote-exact": {},
    "quote-range": {},
    "quote-latest": {},
    "loan-granted": {},
    "loan-after-retry": {"check_history": (_fails("BUREAU_BUSY", retryable=True), _does({"score": 710}))},
    "loan-defaulted": {"check_history": _fails("BusinessLogicError")},
    "sales-loaded": {},
    "sales-loaded-late": {"load_totals": (_fails("ServiceUnavailableError", retryable=True), _does({"items": 3}))},
    "sales-missing": {"extract_sales": _fails("NotFoundError")},
    "trade-settled": {"book": _BOOKED},
    "trade-not-audited": {"book": _BOOKED, "audit": _fails("ServiceUnavailableError", retryable=True)},
    "trade-without-price": {"load_prices": _fails("NotFoundError")},
    "ada-enrols": {"payment_invoice_send": (_fails("ServiceUnavailableError", retryable=True), _does(None))},
    "bob-is-declined": {"payment_authorise": _fails("BusinessLogicError")},
    "cleo-is-late": {"confirm": _fails("BusinessLogicError")},
}


def plans() -> Iterator[Plan]:
    """One for each Task."""
    for example in NAMES:
        for task in manifests(example, "Task"):
            name = task["metadata"]["name"]
            actions = [
                Act(_ANSWERED_AT, name, action["spec"]["type"], {"step": action["spec"]["step"]})
                for action in manifests(example, "TaskAction", "actions/*.yaml")
                if action["spec"]["taskRef"]["name"] == name
            ]
            script = {key: each if isinstance(each, tuple) else (each,) for key, each in SCRIPTS[name].items()}
            yield Plan(
                name=f"{example}/{name}",
                seed=1,
                templates=tuple(manifests(example, "TaskTemplate")),
                submits=(Submit(0.0, task),),
                script=script,
                mishaps=tuple(actions),
            )


def ending_of(plan: Plan) -> tuple[str, str]:
    """State and outcome of the plan's Task in its golden history."""
    example, _, task = plan.name.partition("/")
    told = golden(example)[task]
    return told["state"], told["outcome"]
