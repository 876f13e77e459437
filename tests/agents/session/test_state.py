from typing import Any

import pytest

from agents.models import ASLEEP, AT_WORK, ENDED, PAUSED_AT_ONCE, AgentSession, SessionState
from agents.session import state
from agents.session.claim import move_session
from agents.stops import ClaimLost
from jobs.models import Job
from tests.agents.claims import claim_of


@pytest.fixture
def session(build: Job) -> AgentSession:
    return AgentSession.objects.get(pk=build.pk)


def moves(build: Job) -> list[Any]:
    return [event.payload for event in build.events.filter(type="agent.state")]


def test_every_state_has_a_row_in_the_table_of_moves() -> None:
    assert set(state.LEGAL_MOVES) == set(SessionState)


def test_nothing_leaves_an_end_and_everything_else_can_be_cancelled() -> None:
    for old, to in state.LEGAL_MOVES.items():
        assert (not to) == (old in ENDED)
        assert old in ENDED or SessionState.CANCELLED in to


def test_only_who_works_falls_asleep_for_money_asks_or_finishes() -> None:
    for to in (
        SessionState.BUDGET_EXCEEDED,
        SessionState.WAITING_FOR_INPUT,
        SessionState.COMPLETED,
        SessionState.FAILED,
    ):
        assert [old for old, moves in state.LEGAL_MOVES.items() if to in moves] == [SessionState.WORKING]


def test_the_sets_of_states_fit_the_table() -> None:
    assert {old for old, to in state.LEGAL_MOVES.items() if SessionState.PAUSED in to} == PAUSED_AT_ONCE | {
        SessionState.WORKING
    }
    assert all(SessionState.WORKING in state.LEGAL_MOVES[old] for old in ASLEEP)
    assert not AT_WORK & (ASLEEP | ENDED)


def test_a_move_is_recorded_with_what_was_before_and_sets_fields(build: Job, session: AgentSession) -> None:
    state.move(session, SessionState.PAUSED, "You asked.", pause_requested=True)
    assert moves(build) == [{"state": "paused", "previous": "queued", "reason": "You asked."}]
    assert (session.state, session.pause_requested) == ("paused", True)
    session.refresh_from_db()
    assert (session.state, session.pause_requested) == ("paused", True)


def test_a_cause_is_recorded_for_code_to_read(build: Job, session: AgentSession) -> None:
    state.move(session, SessionState.PAUSED, "In words.", cause="suspended")
    assert moves(build) == [
        {"state": "paused", "previous": "queued", "reason": "In words.", "cause": "suspended"}
    ]


@pytest.mark.parametrize(
    ("old", "to"),
    [
        ("queued", "queued"),
        ("queued", "completed"),
        ("working", "working"),
        ("paused", "working"),
        ("sleeping", "queued"),
        ("completed", "working"),
        ("cancelled", "queued"),
    ],
)
def test_an_illegal_move_raises_and_changes_nothing(
    build: Job, session: AgentSession, old: str, to: str
) -> None:
    AgentSession.objects.update(state=old)
    session.refresh_from_db()
    with pytest.raises(state.IllegalMove, match=f"{old} to {to}"):
        state.move(session, SessionState(to))
    assert AgentSession.objects.get().state == old
    assert moves(build) == []


@pytest.mark.parametrize("meanwhile", [{"state": "cancelled"}, {"epoch": 7}])
def test_a_move_from_what_is_no_longer_so_is_lost_and_changes_nothing(
    build: Job, session: AgentSession, meanwhile: dict[str, Any]
) -> None:
    AgentSession.objects.update(**meanwhile)
    with pytest.raises(state.MoveLost, match="Please look again"):
        state.move(session, SessionState.WORKING)
    assert AgentSession.objects.get().state == meanwhile.get("state", "queued")
    assert moves(build) == []
    assert session.state == SessionState.QUEUED


@pytest.mark.parametrize("meanwhile", [{"state": "cancelled"}, {"epoch": 7}])
def test_an_owner_that_lost_the_session_does_not_move_it(build: Job, meanwhile: dict[str, Any]) -> None:
    owner = claim_of(build, run_id=1)
    AgentSession.objects.update(**meanwhile)
    with pytest.raises(ClaimLost):
        move_session(owner, SessionState.COMPLETED, "Finished.")
    assert [move["state"] for move in moves(build)] == ["working"]
