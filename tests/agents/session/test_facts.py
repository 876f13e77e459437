from agents.session.facts import budget_fact, facts_of, finished_fact
from agents.turns import EXCERPT_LIMIT, ToolCall, ToolResult, Turn
from jobs.models import EventType

CALL = {"type": "tool_use", "id": "call-1", "name": "bash", "input": {"command": "ls"}}


def test_a_turn_is_told_as_thought_words_and_calls_in_this_order() -> None:
    thought = {"type": "thinking", "thinking": "h" * (EXCERPT_LIMIT + 1)}
    turn = Turn([thought, {"type": "text", "text": "I look."}, CALL], "tool_use")

    assert facts_of(turn, {"call-1": "Looks"}, "coding") == [
        (EventType.AGENT_THINKING, {"text": "h" * EXCERPT_LIMIT}),
        (EventType.AGENT_MESSAGE, {"text": "I look.", "author": "agent"}),
        (EventType.TOOL_CALLED, {"call_id": "call-1", "tool": "bash", "label": "Looks", "phase": "coding"}),
    ]


def test_a_call_of_a_turn_that_was_cut_off_is_not_told() -> None:
    assert facts_of(Turn([CALL], "max_tokens"), {}, "coding") == []


def test_a_result_tells_its_command_and_nothing_that_it_lacks() -> None:
    result = ToolResult(ToolCall("call-1", "bash", {"command": "ls"}), "Looked", [], exit_code=0)

    kind, payload = finished_fact(result, "coding", 3)

    assert (kind, payload["ok"], payload["command"]) == (EventType.TOOL_FINISHED, True, "ls")
    assert not {"diff", "image"} & set(payload)


def test_the_budget_says_what_is_used() -> None:
    assert budget_fact(250, 1000)[1]["budget_pct"] == 25
    assert budget_fact(0, 0)[1]["budget_pct"] == 100
