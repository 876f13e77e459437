"""The two durable points: one statement in the usual case, with the same rows as the units it replaces."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from agents.actions.start import start_build
from agents.budget.ledger import Grant
from agents.builds import transactions
from agents.checkpoint import fast_path, step
from agents.checkpoint.step import NextCall
from agents.models import AgentMessage, AgentSession, DailyBudget, SpendEntry, Subscription
from agents.session.claim import Claim, claim
from agents.stops import ClaimLost
from agents.tool_effects import Narrated
from agents.turns import ToolCall, ToolResult, Turn, text_block
from agents.usage import Usage
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock, events
from jobs.briefs import create_project
from jobs.models import EventType, FounderMessage, Job, JobEvent

USAGE = Usage(input_tokens=10, output_tokens=200, cache_write_5m_tokens=900, cache_read_tokens=20_000)
CALL = ToolCall("toolu_1", "read_file", {"path": "app.py"})
TURN = Turn(
    [text_block("I read it."), {"type": "tool_use", "id": CALL.id, "name": CALL.name, "input": CALL.input}],
    "tool_use",
    USAGE,
)
LABELS = {CALL.id: "Read app.py"}
RESULT = ToolResult(call=CALL, label="Read app.py", content=[text_block("print(1)")], excerpt="print(1)")


@pytest.fixture(autouse=True)
def _without_a_clock_row(settings: Settings) -> None:
    settings.MOVABLE_CLOCK = False


@pytest.fixture(name="claim")
def _claim(build: Job) -> Claim:
    return claimed(build)


def claimed(job: Job) -> Claim:
    with transaction.atomic():
        owner = claim(job.pk, run_id=0)
        assert owner is not None
        transactions.prepare_session(owner, AgentSession.objects.get(pk=job.pk))
    return owner


def begun(claim: Claim) -> NextCall:
    with transaction.atomic():
        return step.begin(claim, [text_block("Begin.")])


def granted(following: NextCall) -> Grant:
    assert following.grant is not None
    return following.grant


@contextmanager
def only_the_statement() -> Iterator[None]:
    """Refuses every query of the units; the statements of the points do not use this connection method."""

    def refuse(execute: Any, sql: str, *_: Any) -> None:
        raise AssertionError(f"The usual case needs no query but its own statement: {sql}")

    with connection.execute_wrapper(refuse):
        yield


GENERATED = {"id", "created_at", "settled_at", "last_heard_at", "grant"}


def rows_of(job_id: Any) -> list[dict[str, Any]]:
    """Everything a step writes, without what differs every time."""
    querysets = [
        AgentSession.objects.filter(pk=job_id),
        AgentMessage.objects.filter(session=job_id),
        SpendEntry.objects.filter(session=job_id).order_by("created_at", "reserved_microdollars"),
        DailyBudget.objects.all(),
        JobEvent.objects.filter(job=job_id),
        Job.objects.filter(pk=job_id),
    ]
    rows = [row for queryset in querysets for row in queryset.values()]
    return [{name: value for name, value in row.items() if name not in GENERATED} for row in rows]


def tried(act: Callable[[], Any], job_id: Any) -> tuple[Any, list[dict[str, Any]]]:
    """What the action returns and the rows it leaves; it is then rolled back."""
    with transaction.atomic():
        answer = act()
        rows = rows_of(job_id)
        transaction.set_rollback(True)
    return answer, rows


TEXT = st.text(st.characters() | st.sampled_from(["\0", "\ud800", "'", '"', "\\", "%", "\n"]), max_size=30)
COUNT = st.integers(0, 10**6)
USAGES = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT)
AGAIN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def turns(draw: st.DrawFn) -> tuple[Turn, dict[str, str]]:
    names = draw(st.lists(TEXT, max_size=3))
    calls = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {name: draw(TEXT)}}
        for number, name in enumerate(names)
    ]
    content = [{"type": "thinking", "thinking": draw(TEXT)}, text_block(draw(TEXT)), *calls]
    labels = {f"toolu_{number}": draw(TEXT) for number in range(len(calls))}
    return Turn(content, draw(st.sampled_from(["tool_use", "end_turn"])), draw(USAGES)), labels


@st.composite
def results(draw: st.DrawFn) -> list[ToolResult]:
    return [
        ToolResult(
            call=ToolCall(f"toolu_{number}", draw(TEXT), {"command": draw(TEXT)}),
            label=draw(TEXT),
            content=[text_block(draw(TEXT))],
            is_error=draw(st.booleans()),
            excerpt=draw(TEXT),
            exit_code=draw(st.none() | st.integers(0, 255)),
            duration_ms=draw(COUNT),
            diff=draw(TEXT),
            effects=draw(st.sampled_from([(), (), (), (Narrated("On it", "Forms"),)])),
        )
        for number in range(draw(st.integers(0, 3)))
    ]


@AGAIN
@given(answered=turns(), spent=USAGES)
def test_a_turn_leaves_the_same_rows_on_both_ways(
    claim: Claim, answered: tuple[Turn, dict[str, str]], spent: Usage
) -> None:
    turn, labels = answered
    with transaction.atomic():
        following = begun(claim)
        grant = granted(following)
        act = step.save_turn
        _, slowly = tried(lambda: act(claim, grant, turn, spent, labels), claim.job_id)
        (row, standing), at_once = tried(
            lambda: fast_path.save_turn(claim, following.standing, grant, turn, spent, labels), claim.job_id
        )
        transaction.set_rollback(True)
    assert standing is not None
    assert (standing.position, standing.context_tokens) == (row.position, turn.usage.context_tokens)
    assert at_once == slowly


@AGAIN
@given(came=results(), used=st.integers(0, 2_300_000), was_told=st.booleans())
def test_results_leave_the_same_rows_on_both_ways_however_much_of_the_day_is_used(
    claim: Claim, came: list[ToolResult], used: int, was_told: bool
) -> None:
    with transaction.atomic():
        standing = _after_a_turn(claim, used, was_told)
        following, slowly = tried(lambda: step.save_results(claim, came, []), claim.job_id)
        other, at_once = tried(lambda: fast_path.save_results(claim, standing, came, []), claim.job_id)
        transaction.set_rollback(True)
    assert at_once == slowly
    assert _without_ids(other) == _without_ids(following)


def _after_a_turn(claim: Claim, used: int = 0, was_told: bool = False) -> Any:
    following = begun(claim)
    assert following.standing is not None
    DailyBudget.objects.update(spent_microdollars=used)
    if was_told:
        AgentSession.objects.update(wound_down_on=clock.today())
    known = replace(following.standing, is_wind_down_told=was_told)
    _, standing = fast_path.save_turn(claim, known, granted(following), TURN, USAGE, LABELS)
    return standing


def _without_ids(following: NextCall) -> tuple[Any, ...]:
    rows = [(row.position, row.role, row.content) for row in following.rows]
    grant = following.grant and (following.grant.max_tokens, following.grant.day)
    told = (following.is_overdrawn, following.pause, following.context_tokens, following.context_limit)
    return rows, grant, told, following.standing


def test_a_step_is_two_statements_and_nothing_else(claim: Claim) -> None:
    following = begun(claim)
    with only_the_statement():
        _, standing = fast_path.save_turn(claim, following.standing, granted(following), TURN, USAGE, LABELS)
        following = fast_path.save_results(claim, standing, [RESULT], [])
        fast_path.save_turn(claim, following.standing, granted(following), TURN, USAGE, LABELS)
    assert AgentSession.objects.get(pk=claim.job_id).iteration == 2


def test_the_live_key_follows_what_was_spent(
    claim: Claim, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, settings: Settings
) -> None:
    following = begun(claim)
    half_a_day = Usage(output_tokens=100_000)
    with django_capture_on_commit_callbacks(execute=True):
        fast_path.save_turn(claim, following.standing, granted(following), TURN, half_a_day, LABELS)
    deadline = time.monotonic() + 20
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        while client.get(f"cofounder:agent:{claim.job_id}:budget_pct") != b"50":
            assert time.monotonic() < deadline


@pytest.mark.django_db(transaction=True)
def test_a_step_of_a_lost_session_writes_nothing(claim: Claim) -> None:
    following = begun(claim)
    AgentSession.objects.update(epoch=claim.epoch + 1)
    before = rows_of(claim.job_id)
    with pytest.raises(ClaimLost):
        fast_path.save_turn(claim, following.standing, granted(following), TURN, USAGE, LABELS)
    with pytest.raises(ClaimLost):
        fast_path.save_results(claim, following.standing, [RESULT], [])
    assert rows_of(claim.job_id) == before


@pytest.mark.django_db(transaction=True)  # the statement rolls back
def test_a_call_given_back_meanwhile_is_not_settled_again(claim: Claim) -> None:
    following = begun(claim)
    SpendEntry.objects.update(status=SpendEntry.Status.RELEASED)
    DailyBudget.objects.update(reserved_microdollars=0)
    fast_path.save_turn(claim, following.standing, granted(following), TURN, USAGE, LABELS)
    assert DailyBudget.objects.get().spent_microdollars == 0


def test_the_founder_s_words_are_delivered_with_the_results(claim: Claim) -> None:
    standing = _after_a_turn(claim)
    FounderMessage.objects.create(job_id=claim.job_id, text="Make it blue", created_at=clock.now())
    following = fast_path.save_results(claim, standing, [RESULT], [])
    assert "Make it blue" in following.rows[-1].content[0]["text"]
    assert FounderMessage.objects.get().delivered_at is not None


def test_an_answer_is_delivered_with_the_results(claim: Claim) -> None:
    standing = _after_a_turn(claim)
    job = Job.objects.get(pk=claim.job_id)
    AgentEscalation.objects.create(
        session_id=job.pk,
        job=job,
        project=job.project,
        error_type="product_decision",
        error_signature="s",
        plain_english_problem="Which colour?",
        status=AgentEscalation.Status.RESOLVED,
        founder_guidance="Blue",
        resolved_at=clock.now(),
        created_at=clock.now(),
    )
    assert "Blue" in fast_path.save_results(claim, standing, [RESULT], []).rows[-1].content[0]["text"]


def test_a_pause_asked_for_meanwhile_is_seen_with_the_results(claim: Claim) -> None:
    standing = _after_a_turn(claim)
    AgentSession.objects.update(pause_requested=True)
    with only_the_statement():
        assert fast_path.save_results(claim, standing, [RESULT], []).pause


def test_less_money_in_the_period_is_seen_at_the_next_call(claim: Claim) -> None:
    standing = _after_a_turn(claim)
    Subscription.objects.update(monthly_budget_override_microdollars=0)
    assert fast_path.save_results(claim, standing, [RESULT], []).grant is None


def test_a_call_still_open_since_yesterday_narrows_what_is_left_of_the_period(claim: Claim) -> None:
    standing = _after_a_turn(claim)
    user_id = AgentSession.objects.get(pk=claim.job_id).user_id
    DailyBudget.objects.create(
        user_id=user_id,
        day=clock.today() - timedelta(days=1),
        allowance_microdollars=0,
        reserved_microdollars=60_000_000,
    )
    renews_on = clock.today() + timedelta(days=20)  # yesterday's call belongs to the period
    Subscription.objects.update(renews_on=renews_on)
    standing = replace(standing, renews_on=renews_on)
    assert fast_path.save_results(claim, standing, [RESULT], []).grant is None


def run_together(*acts: Callable[[], None]) -> None:
    def run(act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _second_build(founder: User) -> Job:
    project = create_project(
        owner=founder, name="Another", goal="Something else", idea_brief={"problem": "x"}, interview=[]
    )
    return start_build(project)[0]


@pytest.mark.django_db(transaction=True)
def test_two_builds_of_a_founder_cannot_pass_the_day_s_ceiling_together(founder: User, build: Job) -> None:
    def spend(job: Job) -> None:
        owner = claimed(job)
        following = begun(owner)
        while following.grant is not None:
            used = Usage(
                output_tokens=min(15_000, following.grant.max_tokens)
            )  # 150,000 µ$ of 2,000,000 a day
            turn = replace(TURN, usage=used)
            _, standing = fast_path.save_turn(owner, following.standing, following.grant, turn, used, LABELS)
            following = fast_path.save_results(owner, standing, [RESULT], [])

    second = _second_build(founder)
    run_together(lambda: spend(build), lambda: spend(second))
    day = DailyBudget.objects.get()
    assert day.reserved_microdollars == 0
    assert 1_800_000 <= day.spent_microdollars <= 2_200_000
    ledger = SpendEntry.objects.filter(status=SpendEntry.Status.SETTLED)
    assert sum(entry.cost_microdollars for entry in ledger) == day.spent_microdollars


@pytest.mark.django_db(transaction=True)
def test_numbers_stay_gapless_when_others_write_events_beside_the_steps(build: Job) -> None:
    owner = claimed(build)

    def steps() -> None:
        following = begun(owner)
        for _ in range(10):
            grant = granted(following)
            _, standing = fast_path.save_turn(owner, following.standing, grant, TURN, USAGE, LABELS)
            following = fast_path.save_results(owner, standing, [RESULT], [])

    def others() -> None:
        for _ in range(30):
            events.record(owner.job_id, EventType.AGENT_NARRATION, text="x")

    run_together(steps, others)
    numbers = list(JobEvent.objects.filter(job=owner.job_id).values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert Job.objects.get(pk=owner.job_id).last_seq == len(numbers)
