"""The report: its content, and its three forms."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from kubesaga.cli.views.report import Report, Section, report
from kubesaga.cli.views.report_data import data
from kubesaga.cli.views.report_html import html_page
from kubesaga.cli.views.report_markdown import markdown
from kubesaga.engine.vocabulary import ActionType
from tests.cli import stories
from tests.cli.recorded import BEGUN


def section(of: Report, title: str) -> Section:
    return next(each for each in of.sections if each.title == title)


def test_it_has_the_outcome_and_every_section() -> None:
    made = report(stories.told(stories.compensated(), initiator="ada"))
    assert dict(made.summary)["Outcome"] == "Compensated (Error)"
    assert dict(made.summary)["Took"] == "46s"
    assert [each.title for each in made.sections] == [
        "Timeline",
        "Attempts",
        "Critical path",
        "Errors",
        "Compensation",
        "Actions",
    ]


def test_the_timeline_has_every_move_with_its_distance_from_the_start() -> None:
    story = stories.told(stories.compensated())
    rows = section(report(story), "Timeline").rows
    assert len(rows) == len(story.moves)
    assert rows[0][1:4] == ("+0.0s", "Task", "Start, StepsReady, StepsEnqueued")


def test_every_attempt_has_a_row_and_a_bar() -> None:
    made = report(stories.told(stories.compensated()))
    assert len(section(made, "Attempts").rows) == len(made.bars) == 9
    assert [bar.label for bar in made.bars if not bar.good] == ["charge", "mail", "ship", "charge (undo)"]
    assert all(0 <= bar.begin <= bar.end <= 1 for bar in made.bars)


def test_errors_of_attempts_that_were_repeated_are_told_too() -> None:
    rows = section(report(stories.told(stories.compensated())), "Errors").rows
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("charge", "1", "Declined: it broke"),
        ("mail", "1", "NoServer: it broke"),
        ("ship", "1", "NoTruck: it broke"),
        ("charge (undo)", "1", "NoBank: it broke"),
    ]


def test_compensations_stand_in_their_order() -> None:
    rows = section(report(stories.told(stories.compensated())), "Compensation").rows
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        ("charge", "", "Complete", "2"),
        ("reserve", "charge", "Complete", "1"),
    ]


def test_it_says_who_did_what_and_why() -> None:
    played = stories.blocked()
    played.applied(ActionType.COMPLETE, "ship", requested_by="ada", reason="by bicycle", result={"by": "hand"})
    (row,) = section(report(stories.told(played)), "Actions").rows
    assert row[1:] == ("Complete", "ship", "ada", "by bicycle", "ship is Complete with the given result")


def test_nothing_takes_less_than_no_time_where_a_container_tells_its_end_in_whole_seconds() -> None:
    story = stories.told(stories.compensated())
    cut = tuple(replace(step, finished_at=(step.first_enqueued_at or BEGUN) - 0.9) for step in story.status.steps)
    found = data(replace(story, status=replace(story.status, steps=cut)))
    forward = [each for each in (*found["criticalPath"], *found["attempts"]) if each["role"] == "forward"]
    assert len(forward) > 5
    assert all(each["seconds"] >= 0 for each in forward)


def test_markdown_tables_survive_what_users_write() -> None:
    story = stories.told(stories.blocked(), reason="a|b\n# no heading <script> [x](y)")
    text = markdown(report(story))
    assert "- **Reason:** a\\|b # no heading \\<script\\> \\[x\\](y)" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count(" | ") for line in tables if line.startswith("| charge | 1")} == {4, 3}


def test_a_sub_workflow_has_its_report_below_its_parents() -> None:
    child = replace(stories.told(stories.unanswered()), name="order-1-ship")
    parent = replace(stories.told(stories.blocked()), children={"ship": child})
    text = markdown(report(parent))
    assert text.index("# Task order-1\n") < text.index("## Task order-1-ship\n")
    assert list(data(parent)["children"]) == ["ship"]


class _Checker(HTMLParser):
    """Counts what is opened, and that it is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_is_whole_and_runs_nothing_that_users_wrote() -> None:
    checker = _Checker()
    checker.feed(html_page(report(stories.told(stories.compensated(), reason="<script>alert(1)</script>"))))
    assert checker.open == []
    assert "script" not in checker.seen
    assert "<script>alert(1)</script>" in checker.text
    assert checker.seen.count("table") == 5  # nobody intervened
    assert "No human intervened." in checker.text


def test_the_html_needs_nothing_from_elsewhere() -> None:
    page = html_page(report(stories.told(stories.compensated())))
    assert "http" not in page
    assert "src=" not in page


def test_the_data_is_json_and_has_all_of_it() -> None:
    found = json.loads(json.dumps(data(stories.told(stories.compensated()))))
    assert (found["outcome"], found["seconds"]) == ("Compensated", 46.0)
    assert len(found["attempts"]) == 9
    path = [(link["step"], link["role"]) for link in found["criticalPath"]]
    undone = [("charge", "compensation"), ("reserve", "compensation")]
    assert path == [("reserve", "forward"), ("charge", "forward"), ("ship", "forward"), *undone, ("bye", "forward")]
    assert [entry["step"] for entry in found["compensation"]["plan"]] == ["charge", "reserve"]
    assert [(error["step"], error["type"]) for error in found["errors"]] == [("mail", "NoServer"), ("ship", "NoTruck")]


def test_the_error_of_the_attempt_before_has_its_number() -> None:
    (ship,) = (error for error in data(stories.told(stories.tried_again()))["errors"] if error["step"] == "ship")
    assert ship["attempt"] == 1


def test_a_task_that_has_not_ended_has_a_report_as_well() -> None:
    made = report(stories.told(stories.waiting_for_retry()))
    assert dict(made.summary)["Outcome"] == "WaitingForRetry, not ended"
    assert section(made, "Compensation").empty == "None was due."
