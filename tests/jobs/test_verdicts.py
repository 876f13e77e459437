"""What the events of checks say of a promise."""

import pytest

from jobs import events, verdicts
from jobs.models import EventType, Job
from jobs.verdicts import Verdict, verdict_of
from tests.builds import job, working_job

__all__ = ["job", "working_job"]


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [
        ({"ok": True}, Verdict.KEPT),
        ({"ok": False}, Verdict.NOT_KEPT),
        ({}, Verdict.NOT_KEPT),
        *(({"ok": True, "verdict": verdict.value}, verdict) for verdict in Verdict),
    ],
)
def test_a_result_is_read_from_its_field_and_an_older_one_from_its_success(
    payload: dict[str, object], verdict: Verdict
) -> None:
    assert verdict_of(payload) == verdict


def record(build: Job, promise: str, verdict: Verdict) -> None:
    payload = {"promise": promise, "run": "", "ok": verdict == Verdict.KEPT, "verdict": verdict.value}
    events.record(build.pk, EventType.CHECK_FINISHED, **payload, output="", duration_ms=0)


def begin_round(build: Job) -> None:
    events.record(build.pk, EventType.JOB_STATUS, status="checks", previous="deps", message="")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_promise_with_several_checks_is_kept_only_if_all_passed(working_job: Job, order: list[int]) -> None:
    begin_round(working_job)
    for which in order:
        record(working_job, "a list", [Verdict.KEPT, Verdict.NOT_KEPT][which])
    (result,) = verdicts.latest_results(working_job).values()
    assert verdict_of(result) == Verdict.NOT_KEPT


def test_only_the_latest_round_counts_what_was_not_judged(working_job: Job) -> None:
    begin_round(working_job)
    record(working_job, "a list", Verdict.NOT_JUDGED)
    record(working_job, "a form", Verdict.NOT_JUDGED)
    assert verdicts.not_judged(working_job) == 2
    begin_round(working_job)
    record(working_job, "a list", Verdict.KEPT)
    record(working_job, "A  form", Verdict.NOT_JUDGED)
    assert verdicts.not_judged(working_job) == 1
