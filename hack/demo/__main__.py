"""`python -m hack.demo`: apply the example, tell its story, show what came of it, and say what to try next.

Exit code 0 when every order ended as the example says, 1 when one did not or the demo could not run.
"""

from __future__ import annotations

import sys

from hack.cluster.paths import CHECKOUT
from hack.demo.cluster import NAMESPACE, TASKS, Cluster, DemoError, shown
from hack.demo.story import tell
from hack.demo.summary import Object, compensation_table, ledger_table, steps_table

EXAMPLE = CHECKOUT / "examples" / "order-fulfillment"
EXPECTED = {
    "order-succeeds": ("Complete", "Succeeded", "The bank is busy at the first try; the second one goes through."),
    "order-compensated": ("Error", "Compensated", "The shipper refuses; what was done is undone in reverse order."),
    "order-refused": ("Error", "InvalidRequest", "Breaks the input schema; no pod is started for it."),
}
NEXT = f"""\
What to try next (`make cluster-down` when you have seen enough):

  export KUBECONFIG=$(make -s kubeconfig) PATH="$PWD/.cache/bin:$PATH"
  kubectl -n {NAMESPACE} describe ktask order-compensated        # the whole record, and the events
  kubectl -n {NAMESPACE} get jobs,pods                           # one Job for each attempt
  kubectl -n {NAMESPACE} logs -l kubesaga.dev/step=ship_order    # what a handler said
  kubectl -n {NAMESPACE} get ktask order-succeeds -o jsonpath='{{.status.result}}'
  kubectl -n {NAMESPACE} delete ktask --all && kubectl -n {NAMESPACE} apply -f {shown(EXAMPLE / "tasks.yaml")}
  kubectl -n {NAMESPACE} get ktask -w                            # the story once more, by itself
"""


def main() -> int:
    """Run the demo; returns the process's exit code."""
    try:
        unexpected = _run(Cluster.find())
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for line in unexpected:
        print(f"error: {line}", file=sys.stderr)
    return 1 if unexpected else 0


def _run(cluster: Cluster) -> list[str]:
    """The whole demo; returns what did not end as it should."""
    cluster.require_operator()
    cluster.fresh_namespace()
    print(f"$ kubectl -n {NAMESPACE} apply -f {shown(EXAMPLE)}/")
    print(cluster.run("apply", "-f", str(EXAMPLE)))
    print(f"$ kubectl -n {NAMESPACE} get ktask -w        # the same, one line for each change, with messages")
    tell(cluster, set(EXPECTED))
    tasks = {task["metadata"]["name"]: task for task in cluster.json("get", TASKS, "-o", "json")["items"]}
    for name, (_, _, what) in EXPECTED.items():
        _show(tasks[name], what)
    print("\nThe warehouse's ledger\n")
    print(ledger_table(_warehouse(cluster, "ledger")))
    print(f"\n{NEXT}")
    return [
        _difference(tasks[name], state, outcome)
        for name, (state, outcome, _) in EXPECTED.items()
        if (tasks[name]["status"]["state"], tasks[name]["status"]["outcome"]) != (state, outcome)
    ]


def _show(task: Object, what: str) -> None:
    status = task["status"]
    print(f"\n{task['metadata']['name']}: {status['state']}, {status['outcome']}. {what}\n  {status['message']}\n")
    if any("attempt" in step for step in status["steps"]):
        print(steps_table(task))
    if "compensation" in status:
        print(f"\n{compensation_table(task)}")


def _warehouse(cluster: Cluster, view: str) -> list[Object]:
    path = f"/api/v1/namespaces/{NAMESPACE}/services/warehouse:http/proxy/{view}"
    entries: list[Object] = cluster.json("get", "--raw", path)
    return entries


def _difference(task: Object, state: str, outcome: str) -> str:
    status, name = task["status"], task["metadata"]["name"]
    return (
        f"{name} should have ended {state}/{outcome}, it is {status['state']}/{status['outcome']}: {status['message']}"
    )


if __name__ == "__main__":
    sys.exit(main())
