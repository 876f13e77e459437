"""The model's answer to a valid request: the next turn of its play, or a compaction."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rehearsal.anthropic_api.conversation import Placed, Turn, placed_blocks, system_text, turns_of, user_turn
from rehearsal.anthropic_api.prefix import end_of
from rehearsal.anthropic_api.signing import read_signature, sign, text_digest
from rehearsal.anthropic_api.tokens import CHARS_PER_TOKEN, call_tokens, json_text, text_tokens
from rehearsal.e2b_api.fault import Fault as SandboxFault
from rehearsal.engine import Turn as Cue
from rehearsal.engine import advance, opening, perform
from rehearsal.fault import ODD_WITHOUT_CALLS, Fault
from rehearsal.founder import FounderInput, founder_input
from rehearsal.interview import request, script
from rehearsal.play import Library, Line, Play, PlayError, Step
from rehearsal.state import Frame, State

GREETING = Play(
    "greeting",
    "",
    Line(
        (Step("hello", think="Nobody told me what to build.", say="This is the rehearsal model.", end=True),)
    ),
)
"""Played for a prompt without a founder's input."""


@dataclass(frozen=True)
class Reply:
    """An answer before it is sent; `cut_input` is what max_tokens left of the last tool call's JSON."""

    content: list[dict[str, Any]]
    stop_reason: str
    output_tokens: int
    thinking_tokens: int = 0
    stop_details: dict[str, Any] | None = None
    cut_input: str | None = None
    key: str = ""
    fault: Fault | None = None
    sandbox_fault: SandboxFault | None = None
    id: str = field(default_factory=lambda: f"msg_{secrets.token_hex(12)}")

    @property
    def kind(self) -> str:
        return "compaction" if self.stop_reason == "compaction" else "message"


@dataclass(frozen=True)
class Scene:
    """A request as the play sees it: the next step (`state`), and the conversation before it (`prefix`)."""

    body: dict[str, Any]
    play: Play
    state: State
    turns: list[Turn]
    prefix: str


def scene_of(body: dict[str, Any], library: Library) -> Scene:
    """Find the position in the play from the request alone; raises PlayError if it cannot be played."""
    blocks = list(placed_blocks(body["messages"]))
    founder = founder_input(system_text(body.get("system")))
    state = _state_of(blocks)
    if state is not None:
        play = GREETING if state.play == GREETING.name else library.named(state.play)
    else:
        play = library.for_project(founder.project) if founder else GREETING
        state = opening(play, is_change=bool(founder and founder.change))
    turns = turns_of(body["messages"])
    return Scene(body, play, advance(play, state, user_turn(turns)), turns, end_of(blocks))


def _state_of(blocks: list[Placed]) -> State | None:
    for placed in reversed(blocks):
        if placed.block["type"] in ("thinking", "compaction"):
            payload = read_signature(placed.block.get("signature"))
            if payload:
                return State.from_json(payload["state"])
    return None


def next_reply(scene: Scene, model_id: str, fault: Fault | None = None) -> Reply:
    """The play's next turn, cut at max_tokens; a `stop` fault ends it before its tool calls."""
    founder = founder_input(system_text(scene.body.get("system"))) or FounderInput("")
    cue = perform(scene.play, scene.state, user_turn(scene.turns), founder)
    if request.is_interview(scene.body):
        step = script.step(request.said_in(scene.body))
        cue = replace(cue, think="I look at what is still open.", say="", calls=((request.TOOL, step),))
    _check_tools(cue, scene.body)
    stop = fault if fault and fault.kind == "stop" else None
    if stop or (fault and fault.kind == "odd" and fault.what in ODD_WITHOUT_CALLS):
        cue = replace(cue, calls=(), state=scene.state)
    reply = _within(cue, scene, model_id)
    if stop:
        refused = {"type": "refusal", "category": None, "explanation": "Refused on demand, in rehearsal."}
        reply = replace(
            reply,
            stop_reason=stop.stop_reason,
            stop_details=refused if stop.stop_reason == "refusal" else None,
        )
    return replace(reply, key=cue.key, fault=cue.fault, sandbox_fault=cue.sandbox_fault)


def compaction_reply(scene: Scene) -> Reply:
    """A signed block that stands for the conversation and holds the position in the play."""
    summary = _summary(scene)
    payload = {
        "kind": "compaction",
        "text": text_digest(summary),
        "prefix": scene.prefix,
        "state": scene.state.to_json(),
    }
    block = {"type": "compaction", "content": summary, "encrypted_content": None, "signature": sign(payload)}
    return Reply([block], "compaction", text_tokens(summary))


def _check_tools(cue: Cue, body: dict[str, Any]) -> None:
    offered = {tool["name"] for tool in body.get("tools") or []}
    for tool, _ in cue.calls:
        if tool not in offered:
            raise PlayError(
                f"The play calls {tool!r} at {cue.key!r}, and the request does not offer that tool."
            )


def _within(cue: Cue, scene: Scene, model_id: str) -> Reply:
    """As much of the turn's blocks as max_tokens allows."""
    calls = [_tool_use(name, tool_input) for name, tool_input in cue.calls]
    thinking = max(cue.thinking_tokens, text_tokens(cue.think))
    said = text_tokens(cue.say)
    total = thinking + said + sum(call_tokens(call["name"], call["input"]) for call in calls)
    limit = scene.body["max_tokens"]
    if limit == 0:
        return Reply([], "max_tokens", 0)
    state = cue.state if total <= limit else scene.state
    thought = _thinking(cue.think, min(thinking, limit), state, scene, model_id)
    if total <= limit:
        content = [thought, *_text(cue.say), *calls]
        return Reply(content, "tool_use" if calls else "end_turn", total, thinking)
    left = limit - thinking
    content = [thought, *_text(cue.say[: max(left, 0) * CHARS_PER_TOKEN])]
    left -= said
    cut_input = None
    for call in calls:
        if left <= 0:
            break
        content.append(call)
        needed = call_tokens(call["name"], call["input"])
        if needed > left:
            cut_input = json_text(call["input"])[: left * CHARS_PER_TOKEN]
        left -= needed
    return Reply(content, "max_tokens", limit, min(thinking, limit), cut_input=cut_input)


def _thinking(text: str, tokens: int, state: State, scene: Scene, model_id: str) -> dict[str, Any]:
    """Empty unless the request asks for summaries: the signature alone carries the state."""
    shown = text if (scene.body.get("thinking") or {}).get("display") == "summarized" else ""
    payload = {
        "kind": "thinking",
        "model": model_id,
        "prefix": scene.prefix,
        "text": text_digest(shown),
        "tokens": tokens,
        "state": state.to_json(),
    }
    return {"type": "thinking", "thinking": shown, "signature": sign(payload)}


def _text(text: str) -> Iterator[dict[str, Any]]:
    if text.strip():
        yield {"type": "text", "text": text}


def _tool_use(name: str, tool_input: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{secrets.token_hex(12)}", "name": name, "input": tool_input}


def _summary(scene: Scene) -> str:
    """A short summary so far: the last tool calls and what the model was told."""
    calls = [placed.block for turn in scene.turns for placed in turn.of_type("tool_use")]
    done = "\n".join(f"- {call['name']} {json_text(call['input'])[:160]}" for call in calls[-20:])
    due: Frame = scene.state.agenda[0]
    return (
        f"Summary of the conversation so far ({len(scene.turns)} turns, {len(calls)} tool calls). "
        f"The latest tool calls:\n{done or '- none'}\nNext: {due.step}."
    )
