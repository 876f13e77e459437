"""What an error stands for, and how a build rests because of it."""

import inspect
from datetime import timedelta

import pytest

from agents import errors
from agents.budget.prices import ModelEnded, UnknownModel
from agents.builds.troubles import rest_for, trouble_of
from agents.errors import AgentError, SandboxError, SnapshotFailed, Trouble
from agents.failures.trouble import TABLE, Course
from agents.llm.retry import ModelRefused, ProviderUnavailable
from agents.models import AgentSession, SessionState
from agents.session.rest import Rest, put_to_rest
from agents.stops import ContextFull
from jobs import clock
from jobs.errors import PaymentNeeded
from jobs.models import EventType, Job
from tests.agents.claims import claim_of

KINDS: dict[type[Exception], Trouble] = {
    errors.SandboxRefused: Trouble.SANDBOX_KEY,
    errors.SandboxForbidden: Trouble.SANDBOX_PERMISSION,
    errors.SandboxRequestRefused: Trouble.SANDBOX_REQUEST,
    errors.SandboxUnsafe: Trouble.SANDBOX_UNSAFE,
    errors.SandboxLimit: Trouble.SANDBOX_LIMIT,
    errors.SandboxBusy: Trouble.SANDBOX_AWAY,
    errors.SandboxUnreachable: Trouble.SANDBOX_AWAY,
    errors.SandboxGone: Trouble.SANDBOX_AWAY,
    errors.SandboxTaken: Trouble.SANDBOX_AWAY,
    errors.SandboxFull: Trouble.SANDBOX_FAULT,
    errors.NotDone: Trouble.SANDBOX_FAULT,
    errors.StorageAway: Trouble.STORAGE_AWAY,
    errors.SnapshotFailed: Trouble.STORAGE_AWAY,
    errors.StorageRefused: Trouble.STORAGE_REFUSED,
    errors.FilesLost: Trouble.FILES_LOST,
    ProviderUnavailable: Trouble.MODEL_AWAY,
    ContextFull: Trouble.MODEL_FULL,
    PaymentNeeded: Trouble.NO_MONEY,
    ValueError: Trouble.DEFECT,
}


@pytest.mark.parametrize(("kind", "trouble"), KINDS.items())
def test_an_error_stands_for_one_kind_of_trouble(kind: type[Exception], trouble: Trouble) -> None:
    assert trouble_of(kind.__new__(kind)) == trouble


def test_what_the_model_s_provider_refuses_says_itself_what_it_is() -> None:
    assert trouble_of(ModelRefused(Trouble.MODEL_CREDIT, "no")) == Trouble.MODEL_CREDIT
    assert trouble_of(ModelEnded.__new__(ModelEnded)) == Trouble.MODEL_RETIRED
    assert trouble_of(UnknownModel.__new__(UnknownModel)) == Trouble.MODEL_NO_PRICE


def test_no_error_of_a_sandbox_or_of_the_storage_is_a_bug_of_ours() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, AgentError)]
    outside = [kind for kind in kinds if issubclass(kind, (SandboxError, SnapshotFailed))]
    assert len(outside) > 12
    assert not [kind for kind in outside if trouble_of(kind.__new__(kind)) == Trouble.DEFECT]


@pytest.mark.parametrize("trouble", [one for one in Trouble if TABLE[one].course == Course.REST])
def test_a_rest_has_the_table_s_sentence_and_what_was_said_is_for_the_operator(
    build: Job, trouble: Trouble
) -> None:
    owner = claim_of(build, 1)
    put_to_rest(owner, rest_for(owner, trouble, "401: Invalid API key E2B_API_KEY"))
    session = AgentSession.objects.get(pk=build.pk)
    told = build.events.get(type=EventType.SLEEPING).payload["reason"]
    assert (session.state, told) == (SessionState.SLEEPING, TABLE[trouble].sentence)
    assert session.trouble_detail == "401: Invalid API key E2B_API_KEY"
    assert "E2B" not in str([event.payload for event in build.events.all()])


def minutes_until(rest: Rest) -> int:
    assert rest.wake_at is not None
    return round((rest.wake_at - clock.now()) / timedelta(minutes=1))


def test_rests_grow_until_a_step_is_made(build: Job) -> None:
    waits: list[int] = []  # minutes
    for number in range(7):
        owner = claim_of(build, number + 1)
        rest = rest_for(owner, Trouble.MODEL_AWAY, "busy")
        assert rest.wake_at is not None
        waits.append(minutes_until(rest))
        put_to_rest(owner, rest)
        clock.move(rest.wake_at)
    assert waits == [10, 10, 30, 60, 120, 240, 240]
    AgentSession.objects.filter(pk=build.pk).update(iteration=1)
    assert minutes_until(rest_for(claim_of(build, 9), Trouble.MODEL_AWAY, "busy")) == 10


def test_without_money_in_the_subscription_a_person_decides(build: Job) -> None:
    rest = rest_for(claim_of(build, 1), Trouble.NO_MONEY, "The subscription ended.")
    assert (rest.state, rest.reason, rest.wake_at) == (SessionState.PAUSED, "The subscription ended.", None)
