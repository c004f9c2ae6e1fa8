"""The steps of the example workflow daily-sales (examples/linear-pipeline), as functions."""

from __future__ import annotations

from typing import Any

from kubesaga_sdk import NotFoundError, ServiceUnavailableError, StepContext, depends_on, inputs, step_handler

Rows = list[dict[str, Any]]


@step_handler("extract_sales")
@inputs("shop", "rows")
def extract_sales(shop: str, rows: int) -> Rows:
    """Read a shop's sales of the day; here they are made up."""
    if rows == 0:
        raise NotFoundError(f"{shop} has sent no file", "NO_FILE")
    return [{"line": n, "item": f"item-{n % 3}", "cents": n * 100 if n % 5 else None} for n in range(1, rows + 1)]


@step_handler("clean_sales")
@depends_on(sales="extract_sales")
def clean_sales(sales: Rows) -> Rows:
    """Drop the lines that have no price."""
    return [line for line in sales if line["cents"] is not None]


@step_handler("sum_sales")
@depends_on(sales="clean_sales")
def sum_sales(sales: Rows) -> dict[str, int]:
    """The turnover by item."""
    totals: dict[str, int] = {}
    for line in sales:
        totals[line["item"]] = totals.get(line["item"], 0) + line["cents"]
    return totals


@step_handler("load_totals")
@depends_on(totals="sum_sales")
@inputs("warehouse")
def load_totals(totals: dict[str, int], warehouse: str | None, context: StepContext) -> dict[str, Any]:
    """Write the totals into the data warehouse, which is down for a moment at times."""
    if warehouse == "busy" and not context.is_retry():
        raise ServiceUnavailableError("the data warehouse is busy", "WAREHOUSE_BUSY")
    return {"batch": context.idempotency_key[:8], "items": len(totals)}
