"""The operator commands for builds."""

import json
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents.models import AgentSession, SessionState
from escalations.models import AgentEscalation
from jobs import clock
from jobs.models import Job
from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue().strip()


def put(build: Job, state: SessionState, **fields: Any) -> None:
    AgentSession.objects.filter(pk=build.pk).update(state=state, **fields)


def state_of(build: Job) -> Any:
    return AgentSession.objects.get(pk=build.pk).state


def test_a_build_is_stopped_with_a_sentence(build: Job) -> None:
    assert run("cancel_job", build.pk) == "The build of Uniform Swap is stopped."
    assert state_of(build) == SessionState.CANCELLED


def test_the_answer_is_json_on_demand(build: Job) -> None:
    facts = json.loads(run("cancel_job", build.pk, "--json"))
    assert facts == {"job_id": str(build.pk), "project": "Uniform Swap", "state": "cancelled"}


def test_stopping_twice_is_refused_with_a_sentence(build: Job) -> None:
    run("cancel_job", build.pk)
    with pytest.raises(CommandError, match="This build is over already"):
        run("cancel_job", build.pk)


@pytest.mark.parametrize("command", ["cancel_job", "wake_agent", "pause_agent", "agent_status"])
def test_an_unknown_build_is_refused_with_a_sentence(db: None, command: str) -> None:
    with pytest.raises(CommandError, match="There is no build"):
        run(command, uuid.uuid4())


def test_a_sleeper_is_woken(build: Job) -> None:
    put(build, SessionState.SLEEPING, wake_at=clock.now() + timedelta(hours=5))
    assert run("wake_agent", build.pk) == "The agent of Uniform Swap is being woken."
    wake_at = AgentSession.objects.get().wake_at
    assert wake_at is not None
    assert wake_at <= clock.now()


def test_one_who_is_awake_cannot_be_woken(build: Job) -> None:
    with pytest.raises(CommandError, match="Only a sleeping agent"):
        run("wake_agent", build.pk)


def test_a_waiting_agent_is_paused_at_once(build: Job) -> None:
    assert run("pause_agent", build.pk) == "The agent of Uniform Swap is paused."
    assert state_of(build) == SessionState.PAUSED


def test_a_working_agent_pauses_after_its_step(build: Job) -> None:
    put(build, SessionState.WORKING)
    assert run("pause_agent", build.pk) == "The agent of Uniform Swap pauses after its current step."
    assert AgentSession.objects.get().pause_requested


def test_all_agents_of_an_install_are_paused(build: Job) -> None:
    assert [facts["state"] for facts in json.loads(run("pause_agent", "--all", "--json"))] == ["paused"]
    assert run("pause_agent", "--all") == "0 paused. Agents at work stop after their current step."


@pytest.mark.parametrize("arguments", [(), ("--all", uuid.UUID(int=7))])
def test_pausing_wants_one_build_or_all(db: None, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(CommandError, match="Name one build, or say --all"):
        run("pause_agent", *arguments)


def test_the_status_lists_what_is_under_way(build: Job) -> None:
    put(build, SessionState.SLEEPING, wake_at=clock.next_midnight(clock.now()), current_phase="The list")
    line = run("agent_status")
    assert line.startswith(f"{build.pk}  Uniform Swap: queued, sleeping, “The list”, turn 0, 0 % of today's")
    assert line.endswith("00:00 UTC")


def test_the_status_says_what_is_asked_and_how_to_answer(question: AgentEscalation) -> None:
    lines = run("agent_status").splitlines()
    assert lines[1] == f"    ?? {question.plain_english_problem}"
    assert f"manage.py resolve_escalation {question.pk} ages|" in lines[2]
    asked = json.loads(run("agent_status", "--json"))[0]["questions"]
    assert [(one["id"], one["decisions"][-1]) for one in asked] == [(str(question.pk), "provide_guidance")]


def test_the_status_of_nothing_is_a_sentence(db: None) -> None:
    assert run("agent_status") == "No build is under way."
    assert json.loads(run("agent_status", "--json")) == []


def test_the_status_of_one_build_has_what_the_api_says(build: Job) -> None:
    Job.objects.filter(pk=build.pk).update(last_seq=7)
    facts = json.loads(run("agent_status", build.pk, "--json"))
    assert (facts["job_id"], facts["agent_state"], facts["last_seq"]) == (str(build.pk), "queued", 7)
