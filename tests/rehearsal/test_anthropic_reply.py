"""The answer to one request, without a server."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.anthropic_api.conversation import turns_of, user_turn
from rehearsal.anthropic_api.reply import Reply, compaction_reply, next_reply, scene_of
from rehearsal.engine import Result, UserTurn
from rehearsal.play import Library, PlayError
from rehearsal.play_file import parse_play
from rehearsal.state import Note
from rehearsal.strict_yaml import load_yaml
from tests.rehearsal.model_server import BEGIN, MODEL, PLAY, SYSTEM, TOOLS

LIBRARY = Library((parse_play(load_yaml(PLAY), Path("files"), "test"),))


def request(**changes: Any) -> dict[str, Any]:
    base = {"model": MODEL, "max_tokens": 4000, "system": SYSTEM, "tools": TOOLS, "messages": [BEGIN]}
    return base | {"thinking": {"type": "adaptive", "display": "summarized"}} | changes


def reply_to(body: dict[str, Any], library: Library = LIBRARY) -> Reply:
    return next_reply(scene_of(body, library), MODEL)


def test_a_prompt_without_a_founders_input_is_greeted() -> None:
    reply = reply_to(request(system="Hello?", messages=[{"role": "user", "content": "Who are you?"}]))
    assert (reply.content[1]["text"], reply.stop_reason) == ("This is the rehearsal model.", "end_turn")


def test_thinking_is_empty_unless_summaries_are_asked_for() -> None:
    [shown, hidden] = [
        reply_to(body).content[0] for body in (request(), request(thinking={"type": "adaptive"}))
    ]
    assert (shown["thinking"][:7], hidden["thinking"]) == ("I write", "")
    assert hidden["signature"]


def test_a_tool_that_the_request_does_not_offer_cannot_be_called() -> None:
    with pytest.raises(PlayError, match="calls 'write_file' at 'main/write'"):
        reply_to(request(tools=TOOLS[:1]))


def test_a_project_for_which_there_is_no_play_is_an_error() -> None:
    with pytest.raises(PlayError, match="No play fits the project 'Shelf'"):
        reply_to(request(), Library())


def test_a_play_that_has_gone_since_is_an_error() -> None:
    turn = {"role": "assistant", "content": reply_to(request()).content}
    with pytest.raises(PlayError, match="no play named 'shelf'"):
        reply_to(request(messages=[BEGIN, turn, BEGIN]), Library())


def test_no_output_is_made_for_a_request_that_only_warms_the_cache() -> None:
    reply = reply_to(request(max_tokens=0))
    assert (reply.content, reply.output_tokens, reply.stop_reason) == ([], 0, "max_tokens")


def test_a_compaction_tells_what_was_done() -> None:
    turn = {"role": "assistant", "content": reply_to(request()).content}
    summary = compaction_reply(scene_of(request(messages=[BEGIN, turn, BEGIN]), LIBRARY)).content[0][
        "content"
    ]
    assert '- bash {"command":"python3 app.py"}' in summary


def test_results_are_read_in_the_order_of_the_calls_and_notes_wherever_they_stand() -> None:
    calls: list[dict[str, Any]] = [
        {"type": "tool_use", "id": name, "name": name, "input": {}} for name in ("bash", "grep")
    ]
    content = [
        {"type": "tool_result", "tool_use_id": "grep", "content": "found", "is_error": True},
        {"type": "tool_result", "tool_use_id": "bash"},
        {"type": "text", "text": '<note kind="wake">Go\non.</note><note kind="steer">Left.</note>'},
    ]
    turns = turns_of([BEGIN, {"role": "assistant", "content": calls}, {"role": "user", "content": content}])
    assert user_turn(turns) == UserTurn(
        (Result("bash", ""), Result("grep", "found", error=True)),
        (Note("wake", "Go\non."), Note("steer", "Left.")),
    )
