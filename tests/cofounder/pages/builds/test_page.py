"""The build page, its updates and its controls."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from agents.actions.start import start_build
from agents.models import AgentSession, BuildDocument, DailyBudget
from cofounder.models import User
from cofounder.pages.builds.state import promises_of, read
from escalations.models import AgentEscalation
from jobs import briefs, clock, events, promises
from jobs.models import EventType, FounderMessage, Job, JobStatus, Phase
from jobs.verdicts import Verdict

HTMX = {"HX-Request": "true"}


def _say(job: Job, count: int) -> None:
    facts = [
        (EventType.AGENT_NARRATION, {"text": f"sentence {n}.", "phase": ""}) for n in range(1, count + 1)
    ]
    events.record_all(job.pk, facts)


def test_the_page_shows_where_the_build_stands(browser: Client, working_job: Job, founder: User) -> None:
    Phase.objects.create(
        job=working_job, position=1, name="The list", status="working", started_at=clock.now()
    )
    DailyBudget.objects.create(
        user=founder, day=clock.today(), allowance_microdollars=2_000_000, spent_microdollars=1_900_000
    )
    page = browser.get(f"/builds/{working_job.pk}").text
    assert '<span class="badge working">Working</span>' in page
    assert "0 of 1 done" in page
    assert 'class="budget yellow" max="100" value="95"' in page
    assert "a list of uniforms by size" in page


def test_with_a_real_model_the_page_speaks_of_the_local_sandbox_and_of_no_rehearsal(
    browser: Client, working_job: Job, settings: Settings
) -> None:
    settings.REHEARSAL, settings.LOCAL_SANDBOX = "", "Commands run in the local sandbox: confined."
    page = browser.get(f"/builds/{working_job.pk}").content.decode()
    assert "Commands run in the local sandbox: confined." in page
    assert "rehears" not in page.lower()
    settings.REHEARSAL = "A rehearsal script is building."
    page = browser.get(f"/builds/{working_job.pk}").content.decode()
    assert "A rehearsal script is building. Commands run in the local sandbox: confined." in page


def test_a_sleeping_build_counts_down_in_real_seconds(browser: Client, working_job: Job) -> None:
    wake_at = clock.now() + timedelta(hours=5)
    AgentSession.objects.filter(pk=working_job.pk).update(state="sleeping", wake_at=wake_at)
    page = browser.get(f"/builds/{working_job.pk}").text
    assert f'data-countdown="{clock.to_real(wake_at).isoformat(timespec="milliseconds")}"' in page
    assert "Wake now" in page


def test_a_failed_build_says_why_and_what_to_do(browser: Client, working_job: Job) -> None:
    Job.objects.filter(pk=working_job.pk).update(status="failed", status_message="The disk is full.")
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "The disk is full." in page
    assert "Nothing is lost" in page


def test_a_ready_build_says_so(browser: Client, working_job: Job) -> None:
    Job.objects.filter(pk=working_job.pk).update(status="ready", preview_url="http://app.localhost/")
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "It is ready." in page
    assert f'hx-get="/builds/{working_job.pk}/app"' in page


def test_what_the_agent_writes_cannot_become_markup(browser: Client, working_job: Job) -> None:
    text = "<script>alert(1)</script> **bold**"
    BuildDocument.objects.create(job=working_job, section="faq", content=text, updated_at=clock.now())
    events.record(working_job.pk, EventType.AGENT_NARRATION, text=text, phase="")
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "<script>alert" not in page
    assert "<strong>bold</strong>" in page


def test_a_finished_step_takes_the_place_of_its_beginning(browser: Client, working_job: Job) -> None:
    events.record(
        working_job.pk, EventType.TOOL_CALLED, call_id="c1", tool="bash", label="Running tests", phase=""
    )
    events.record(
        working_job.pk, EventType.TOOL_FINISHED, call_id="c1", tool="bash", label="Ran tests", ok=True,
        exit_code=0, duration_ms=5, excerpt="OK", command="make test", phase="", iteration=1,
    )  # fmt: skip
    page = browser.get(f"/builds/{working_job.pk}").text
    assert page.count('id="entry-c1"') == 1
    assert "Ran tests" in page
    assert "Running tests" not in page


def test_a_long_log_is_read_from_its_end_and_back_on_demand(browser: Client, working_job: Job) -> None:
    _say(working_job, 450)
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "sentence 450." in page
    assert "sentence 250." not in page
    earlier = browser.get(f"/builds/{working_job.pk}/feed?before=252").text
    assert "sentence 250." in earlier
    assert "sentence 251." not in earlier


def test_the_news_hold_what_came_after_and_say_how_far_they_reach(browser: Client, working_job: Job) -> None:
    _say(working_job, 3)
    working_job.refresh_from_db()
    last = working_job.last_seq
    news = browser.get(f"/builds/{working_job.pk}/feed?after={last - 1}").text
    assert "sentence 3." in news
    assert "sentence 2." not in news
    assert f'data-seq="{last}" data-more="false"' in news


def test_news_beyond_the_end_are_empty(browser: Client, working_job: Job) -> None:
    assert 'class="entry' not in browser.get(f"/builds/{working_job.pk}/feed?after=999").text


@pytest.mark.parametrize("after", ["x", "-1", "1" * 30, "²"])
def test_an_invalid_number_is_not_found(browser: Client, working_job: Job, after: str) -> None:
    assert browser.get(f"/builds/{working_job.pk}/feed", {"after": after}).status_code == 404


def test_the_end_of_a_build_takes_the_buttons_off_its_questions(
    browser: Client, question: AgentEscalation
) -> None:
    job = question.job
    job.refresh_from_db()
    AgentEscalation.objects.update(status="skipped")
    events.record(job.pk, EventType.JOB_STATUS, status="cancelled", previous="code", message="")
    news = browser.get(f"/builds/{job.pk}/feed?after={job.last_seq}").text
    assert "No longer needed" in news


def test_the_page_costs_the_same_however_long_the_log_is(
    browser: Client, working_job: Job, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    _say(working_job, 2_000)
    with django_assert_max_num_queries(40):
        browser.get(f"/builds/{working_job.pk}")


@pytest.mark.parametrize("path", ["", "/feed?after=0", "/images/x.png"])
def test_another_founders_build_does_not_exist(other_browser: Client, working_job: Job, path: str) -> None:
    assert other_browser.get(f"/builds/{working_job.pk}{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/feed", "/images/x.png"])
def test_reading_pages_refuse_a_post(browser: Client, working_job: Job, path: str) -> None:
    assert browser.post(f"/builds/{working_job.pk}{path}").status_code == 405


def test_a_missing_build_is_not_found(browser: Client) -> None:
    assert browser.get(f"/builds/{uuid4()}").status_code == 404


def test_pausing_is_asked_for_and_shown(browser: Client, working_job: Job) -> None:
    answer = browser.post(f"/builds/{working_job.pk}/pause", headers=HTMX)
    assert answer.headers["HX-Trigger"] == "build-changed"
    assert "Pausing after this step" in browser.get(f"/builds/{working_job.pk}").text


@pytest.mark.parametrize(
    ("state", "status", "sentence"),
    [
        ("working", "code", "It will pause after this step."),
        ("working", "checks", "It pauses after that if there is more to do."),
        ("sleeping", "code", "Paused."),
    ],
)
def test_a_pause_is_answered_with_when_it_comes(
    browser: Client, working_job: Job, state: str, status: str, sentence: str
) -> None:
    AgentSession.objects.filter(pk=working_job.pk).update(state=state)
    Job.objects.filter(pk=working_job.pk).update(status=status)
    assert sentence in browser.post(f"/builds/{working_job.pk}/pause", headers=HTMX).text


def test_a_control_that_does_not_fit_is_refused_with_a_sentence(browser: Client, working_job: Job) -> None:
    answer = browser.post(f"/builds/{working_job.pk}/wake", headers=HTMX)
    assert answer.status_code == 409
    assert "Only a sleeping agent can be woken" in answer.text


def test_controls_work_without_scripts(browser: Client, working_job: Job) -> None:
    page = browser.post(f"/builds/{working_job.pk}/stop", follow=True).text
    assert "The build was stopped." in page


def test_opening_a_controls_address_changes_nothing(browser: Client, working_job: Job) -> None:
    assert browser.get(f"/builds/{working_job.pk}/stop").status_code == 405
    assert not Job.objects.get().is_over


def test_nobody_controls_anothers_build(other_browser: Client, working_job: Job) -> None:
    assert other_browser.post(f"/builds/{working_job.pk}/stop").status_code == 404
    assert other_browser.post(f"/builds/{working_job.pk}/messages", {"text": "hi"}).status_code == 404
    assert not Job.objects.get().is_over


def test_an_unknown_control_is_not_found(browser: Client, working_job: Job) -> None:
    assert browser.post(f"/builds/{working_job.pk}/explode").status_code == 404


def test_a_message_is_kept_for_the_agent_and_seen_in_the_feed(browser: Client, working_job: Job) -> None:
    browser.post(f"/builds/{working_job.pk}/messages", {"text": "Larger, please"}, headers=HTMX)
    assert FounderMessage.objects.get().text == "Larger, please"
    assert "Larger, please" in browser.get(f"/builds/{working_job.pk}").text


def test_an_empty_message_is_refused(browser: Client, working_job: Job) -> None:
    assert browser.post(f"/builds/{working_job.pk}/messages", {"text": " "}, headers=HTMX).status_code == 400


def test_only_the_latest_round_of_checks_is_evidence(working_job: Job) -> None:
    promise = "A LIST of uniforms  by size"
    for ok in (False, True):
        events.record(working_job.pk, EventType.JOB_STATUS, status="checks", previous="deps", message="")
        events.record(
            working_job.pk,
            EventType.CHECK_FINISHED,
            promise=promise,
            run="x",
            ok=ok,
            output="",
            duration_ms=1,
        )
    first, second = promises_of(working_job)
    assert (first.verdict, second.verdict) == (Verdict.KEPT, None)


def _checked(job: Job, *results: tuple[str, Verdict]) -> None:
    facts = [
        (
            EventType.CHECK_FINISHED,
            {
                "promise": promise,
                "run": "",
                "ok": verdict == Verdict.KEPT,
                "verdict": verdict.value,
                "output": "",
                "duration_ms": 1,
            },
        )
        for promise, verdict in results
    ]
    events.record_all(job.pk, facts)


LIST, FORM = "a list of uniforms by size", "a form to offer one"


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([(LIST, Verdict.KEPT), (FORM, Verdict.KEPT)], "Every promise of the brief was checked."),
        (
            [(LIST, Verdict.KEPT), (FORM, Verdict.NOT_JUDGED)],
            "1 of 2 promises was checked and is kept, 1 was not judged.",
        ),
        ([(LIST, Verdict.NOT_JUDGED), (FORM, Verdict.NOT_JUDGED)], "None of the promises was judged."),
        (
            [(LIST, Verdict.KEPT), (FORM, Verdict.KEPT), ("Paint it red", Verdict.NOT_JUDGED)],
            "2 of 3 promises were checked and are kept, 1 was not judged.",
        ),
    ],
)
def test_a_ready_build_says_what_was_checked_and_what_was_not(
    browser: Client, working_job: Job, results: list[tuple[str, Verdict]], sentence: str
) -> None:
    Job.objects.filter(pk=working_job.pk).update(status="ready")
    _checked(working_job, *results)
    page = " ".join(browser.get(f"/builds/{working_job.pk}").text.split())
    assert sentence in page
    all_kept = all(verdict == Verdict.KEPT for _, verdict in results)
    assert ("Every promise of the brief was checked." in page) is all_kept


def test_a_promise_that_was_not_judged_is_called_kept_nowhere_on_the_page(
    browser: Client, working_job: Job
) -> None:
    Job.objects.filter(pk=working_job.pk).update(status="ready")
    _checked(working_job, (LIST, Verdict.NOT_JUDGED), (FORM, Verdict.NOT_JUDGED))
    page = " ".join(browser.get(f"/builds/{working_job.pk}").text.split())
    assert page.count("Promise not judged") == 2
    assert page.count("Not judged in a rehearsal.") == 2
    for word in ("Promise kept", "not kept yet", 'class="kept"', "step kept"):
        assert word not in page


def test_a_ready_build_without_promises_claims_none(browser: Client, working_job: Job) -> None:
    bare = briefs.add_brief(working_job.project, {"problem": "x"})
    Job.objects.filter(pk=working_job.pk).update(status="ready", idea_brief=bare)
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "Every promise" not in page


@pytest.mark.parametrize(
    ("status", "state", "label"),
    [
        ("queued", "queued", "Queued"),
        ("scaffold", "queued", "Setting up"),
        ("code", "working", "Working"),
        ("code", "sleeping", "Asleep"),
        ("code", "waiting_for_input", "Needs you"),
        ("code", "paused", "Paused"),
        ("code", "budget_exceeded", "Out of money for today"),
        ("checks", "working", "Checking"),
        ("ready", "completed", "Ready"),
        ("failed", "working", "Failed"),
        ("cancelled", "sleeping", "Stopped"),
    ],
)
def test_the_badge_tells_the_truth(working_job: Job, status: str, state: str, label: str) -> None:
    Job.objects.filter(pk=working_job.pk).update(status=status)
    AgentSession.objects.filter(pk=working_job.pk).update(state=state)
    job = Job.objects.get(pk=working_job.pk)
    assert read(job).label == label


def test_a_working_agent_that_falls_silent_is_called_so(working_job: Job) -> None:
    from jobs.models import JobEvent

    JobEvent.objects.update(created_at=clock.now() - timedelta(minutes=6))
    assert read(working_job).is_quiet


def checked(job: Job) -> None:
    events.record(job.pk, EventType.JOB_STATUS, status=JobStatus.CHECKS.value, previous="deps", message="")
    for promised in promises.of_job(job):
        events.record(
            job.pk,
            EventType.CHECK_FINISHED,
            promise=promised.text,
            run="true",
            ok=True,
            verdict="kept",
            output="",
        )


def change_build(job: Job, **brief: Any) -> Job:
    Job.objects.filter(pk=job.pk).update(status="ready")
    if brief:
        briefs.add_brief(job.project, brief)
    return start_build(job.project, goal="Sort it by size.")[0]


def test_what_an_earlier_build_promised_is_shown_as_still_kept(browser: Client, working_job: Job) -> None:
    kept, _ = promises.of_job(working_job)
    change = change_build(working_job, must_have=[kept.text, "a map"])
    checked(change)

    assert [promise.was_before for promise in promises_of(change)] == [True, False]
    assert browser.get(f"/builds/{change.pk}").text.count("still kept") == 1
    assert "still kept" not in browser.get(f"/builds/{working_job.pk}").text


def test_a_change_without_a_promise_is_said_to_be_unchecked(browser: Client, working_job: Job) -> None:
    change = change_build(working_job)
    assert "nothing checks this change." in browser.get(f"/builds/{change.pk}").text


def test_a_change_with_a_promise_is_not(browser: Client, working_job: Job) -> None:
    change = change_build(working_job, must_have=["a map"])
    assert "nothing checks this change." not in browser.get(f"/builds/{change.pk}").text
