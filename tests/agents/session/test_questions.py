"""Questions other than failures: five pause the build, being stuck is asked about, stopping is an option."""

from typing import Any

import pytest
from django.db import transaction

from agents.actions import control
from agents.budget.ledger import Grant
from agents.builds import transactions
from agents.checkpoint import fast_path, step
from agents.checkpoint.step import NextCall
from agents.models import AgentSession, SessionState
from agents.session import questions
from agents.session.claim import Claim
from agents.session.rest import Rest, put_to_rest
from agents.tool_effects import Asked
from agents.turns import ToolCall, ToolResult, Turn, text_block
from agents.usage import Usage
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs.models import EventType, Job
from tests.agents.claims import claim_of

OPTIONS = ({"value": "a", "label": "A", "description": ""}, {"value": "b", "label": "B", "description": ""})


@pytest.fixture
def owner(build: Job) -> Claim:
    with transaction.atomic():
        owner = claim_of(build)
        transactions.prepare_session(owner, AgentSession.objects.get(pk=build.pk))
    return owner


class Steps:
    """The durable points, called as the loop calls them."""

    def __init__(self, owner: Claim) -> None:
        self.owner = owner
        self.number = 0
        with transaction.atomic():
            self.following = step.begin(owner, [text_block("Begin.")])

    @property
    def grant(self) -> Grant:
        assert self.following.grant is not None
        return self.following.grant

    def take(self, *, effects: tuple[Asked, ...] = (), output: str = "", command: str = "") -> NextCall:
        self.number += 1
        name, given = ("bash", {"command": command}) if command else ("ask_founder", {})
        call = ToolCall(f"t{self.number}", name, given)
        block = {"type": "tool_use", "id": call.id, "name": name, "input": given}
        turn = Turn([block], "tool_use", Usage(input_tokens=10, output_tokens=10))
        _, standing = fast_path.save_turn(
            self.owner, self.following.standing, self.grant, turn, turn.usage, {call.id: "x"}
        )
        failed = "command_failed" if command else ""
        result = ToolResult(call, "x", [text_block(output)], bool(failed), failed, effects=effects)
        self.following = fast_path.save_results(self.owner, standing, [result], [])
        return self.following

    def ask(self, problem: str) -> NextCall:
        return self.take(effects=(Asked(problem, "A, I think.", OPTIONS),))

    def fail(self, name: str) -> NextCall:
        output = f"{name}: 403 Forbidden\n[exit 22]"
        return self.take(command=f"curl -f https://{name}.example.com", output=output)


def paused_events(job: Job) -> list[Any]:
    return [event.payload["reason"] for event in job.events.filter(type=EventType.BUILD_PAUSED)]


def test_questions_of_every_kind_count_and_the_fifth_pauses_the_build(build: Job, owner: Claim) -> None:
    steps = Steps(owner)
    pauses = [steps.ask("Which colour?").pause, steps.fail("a").pause, steps.ask("Which size?").pause]
    pauses += [steps.fail("b").pause, steps.ask("Which shape?").pause]
    assert pauses == [""] * 4 + [questions.TOO_MANY]
    assert paused_events(build) == [questions.TOO_MANY]


def test_the_same_question_again_is_none(build: Job, owner: Claim) -> None:
    steps = Steps(owner)
    assert not any(steps.ask("Which colour?").pause for _ in range(6))
    assert AgentEscalation.objects.count() == 1


def test_after_the_founder_resumed_five_more_are_needed(build: Job, owner: Claim, founder: User) -> None:
    steps = Steps(owner)
    for name in "abcde":
        steps.fail(name)
    put_to_rest(owner, Rest(SessionState.PAUSED, questions.TOO_MANY))
    control.resume(build, founder)
    again = Steps(claim_of(build))
    assert [again.ask(f"Question {number}?").pause for number in range(5)] == [""] * 4 + [questions.TOO_MANY]


@pytest.mark.parametrize("about", [questions.about_circles(150), questions.about_checks(["notes are kept"])])
def test_a_question_outside_of_a_step_may_be_the_fifth(build: Job, owner: Claim, about: Asked) -> None:
    steps = Steps(owner)
    for name in "abcd":
        steps.fail(name)
    with transaction.atomic():
        rest = step.ask(owner, about, "I need a decision.")
    assert (rest.state, rest.reason) == (SessionState.PAUSED, questions.TOO_MANY)
    assert paused_events(build) == [questions.TOO_MANY]


@pytest.mark.parametrize(
    ("about", "kind", "values"),
    [
        (questions.about_circles(150), "repetition", ["change_course", "go_on", "stop_here"]),
        (questions.about_the_cap(150), "tool_call_cap", ["go_on", "change_course", "stop_here"]),
        (
            questions.about_checks(["notes are kept"]),
            "checks_failed",
            ["simpler_version", "keep_trying", "provide_guidance"],
        ),
    ],
)
def test_each_kind_has_its_name_and_its_options(
    build: Job, owner: Claim, about: Asked, kind: str, values: list[str]
) -> None:
    with transaction.atomic():
        rest = step.ask(owner, about, "I need a decision.")
    assert rest == Rest(SessionState.WAITING_FOR_INPUT, "I need a decision.")
    asked = AgentEscalation.objects.get()
    assert (asked.error_type, [option["value"] for option in asked.options]) == (kind, values)
    assert asked.error_signature.startswith(f"{build.project_id}:{kind}:")


def test_the_founder_is_told_how_many_steps_going_on_means() -> None:
    assert "up to 77 more steps" in questions.about_the_cap(77).options[0]["description"]


def test_stopping_here_pauses_the_build_and_is_read_when_it_goes_on(
    build: Job, owner: Claim, founder: User
) -> None:
    with transaction.atomic():
        put_to_rest(owner, step.ask(owner, questions.about_circles(150), "I need a decision."))
    resolve(AgentEscalation.objects.get().pk, decision="stop_here", by=founder)
    owner = claim_of(build)
    with transaction.atomic():
        following = step.begin(owner, [])
    assert following.pause == questions.STOPPED
    assert "stop_here" in following.rows[-1].content[0]["text"]


def test_an_option_of_the_model_s_own_stops_nothing(build: Job, owner: Claim, founder: User) -> None:
    steps = Steps(owner)
    option = {"value": "stop_here", "label": "At the river", "description": "The walk ends there."}
    steps.take(effects=(Asked("Where does the walk end?", "At the river.", (option, OPTIONS[0])),))
    resolve(AgentEscalation.objects.get().pk, decision="stop_here", by=founder)
    assert steps.ask("Which colour?").pause == ""


def test_the_model_is_told_what_the_decision_means(owner: Claim, founder: User) -> None:
    steps = Steps(owner)
    steps.ask("Which colour?")
    resolve(AgentEscalation.objects.get().pk, decision="a", by=founder)
    told = steps.ask("Which size?").rows[-1].content[0]["text"]
    assert '"decision": "a"' in told
    assert '"meaning": "A"' in told


def test_the_model_is_told_which_secrets_it_has_and_never_their_values(owner: Claim, founder: User) -> None:
    steps = Steps(owner)
    steps.ask("Which key?")
    secrets = {"STRIPE_KEY": "sk-123456"}
    resolve(AgentEscalation.objects.get().pk, decision="a", secrets=secrets, by=founder)
    told = steps.ask("Which size?").rows[-1].content[0]["text"]
    assert '"environment_variables_now_set": ["STRIPE_KEY"]' in told
    assert "sk-123456" not in told


def test_what_comes_while_calls_are_open_waits_for_their_results(
    build: Job, owner: Claim, founder: User
) -> None:
    """A worker died between a turn and its results; the next run starts with an answer and a message."""
    steps = Steps(owner)
    steps.ask("Which colour?")
    call = ToolCall("open", "bash", {"command": "make"})
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
    turn = Turn([block], "tool_use", Usage(input_tokens=10, output_tokens=10))
    fast_path.save_turn(owner, None, steps.grant, turn, turn.usage, {call.id: "x"})
    resolve(AgentEscalation.objects.get().pk, decision="a", guidance="Blue.", by=founder)
    control.send_message(build, "And round.", founder)
    AgentSession.objects.update(run_id=None)
    again = claim_of(build, run_id=1)
    with transaction.atomic():
        assert step.begin(again, []).rows == []
    result = ToolResult(call, "x", [text_block("interrupted")], True, "interrupted")
    rows = fast_path.save_results(again, None, [result], []).rows
    told = [row.content[0].get("text", row.content[0]["type"]) for row in rows]
    assert told[0] == "tool_result"
    assert ["Blue." in told[1], "And round." in told[2]] == [True, True]
