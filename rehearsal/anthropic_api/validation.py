"""Everything the API would reject a request for, as one pure function."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from rehearsal.anthropic_api.catalogue import Model, find_model
from rehearsal.anthropic_api.conversation import turns_of
from rehearsal.anthropic_api.conversation_rules import conversation_problems
from rehearsal.anthropic_api.problem import Problem
from rehearsal.anthropic_api.prompt import MAX_CACHE_MARKS, prompt_of
from rehearsal.anthropic_api.shape import (
    cache_mark_problems,
    messages_problems,
    system_problems,
    tools_problems,
)

COMPACT_BETA = "compact-2026-09-04"
BETA = re.compile(r"[a-z0-9-]+-\d{4}-\d{2}-\d{2}")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
SAMPLING = ("temperature", "top_p", "top_k")
KEYS = frozenset(
    [
        "model",
        "max_tokens",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "stop_sequences",
        "stream",
        "metadata",
        "service_tier",
        "compaction",
        "context_management",
    ]
)


def validate_request(body: object, betas: Collection[str] = (), *, counting: bool = False) -> list[Problem]:
    """What is wrong with the body of `POST /v1/messages` (or of count_tokens), in the order of checking."""
    if not isinstance(body, dict):
        return [Problem("Input should be a valid dictionary")]
    if not isinstance(body.get("model"), str) or not body["model"]:
        return [Problem("model: Field required")]
    model = find_model(body["model"])
    if model is None:
        return [Problem(f"model: {body['model']}", 404, "not_found_error")]
    problems = [*_form(body, model, betas, counting=counting)]
    return problems or [*_meaning(body, model, betas, counting=counting)]


def _form(body: dict[str, Any], model: Model, betas: Collection[str], *, counting: bool) -> Iterator[Problem]:
    for beta in betas:
        if not BETA.fullmatch(beta):
            yield Problem(f"Unexpected value(s) `{beta}` for the `anthropic-beta` header.")
    for name in SAMPLING:
        if name in body:
            yield Problem(f"{name}: sampling parameters are not supported any more; remove `{name}`")
    for key in sorted(map(str, body.keys() - KEYS - set(SAMPLING))):
        yield Problem(f"{key}: Extra inputs are not permitted")
    if not counting:
        yield from _max_tokens(body.get("max_tokens"), model)
    if "messages" not in body:
        yield Problem("messages: Field required")
    yield from messages_problems(body.get("messages", []))
    yield from system_problems(body.get("system"))
    yield from tools_problems(body.get("tools") or [])
    yield from cache_mark_problems(body.get("cache_control"), "request")
    yield from _settings(body, model)


def _max_tokens(value: object, model: Model) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Problem("max_tokens: Field required, a valid integer")
    elif value < 0:
        yield Problem("max_tokens: Input should be greater than or equal to 0")
    elif value > model.max_output:
        yield Problem(
            f"max_tokens: {value} > {model.max_output}, which is the maximum allowed number of output tokens"
            f" for {model.id}"
        )


def _settings(body: dict[str, Any], model: Model) -> Iterator[Problem]:
    for key, kind in (
        ("stream", bool),
        ("metadata", dict),
        ("stop_sequences", list),
        ("output_config", dict),
    ):
        if not isinstance(body.get(key), kind | None):
            yield Problem(f"{key}: Input should be a valid {kind.__name__}")
            return
    yield from _thinking(body.get("thinking"), model)
    yield from _tool_choice(body, model)
    effort = (body.get("output_config") or {}).get("effort")
    if effort not in (None, *EFFORTS):
        yield Problem(f"output_config.effort: Input should be one of {', '.join(EFFORTS)}")
    user_id = (body.get("metadata") or {}).get("user_id")
    if not isinstance(user_id, str | None) or len(user_id or "") > 256:
        yield Problem("metadata.user_id: Input should be a valid string of at most 256 characters")


def _thinking(thinking: Any, model: Model) -> Iterator[Problem]:
    if thinking is None:
        return
    if not isinstance(thinking, dict) or not isinstance(thinking.get("type"), str):
        yield Problem("thinking.type: Field required")
    elif thinking["type"] not in model.thinking:
        allowed = ", ".join(sorted(model.thinking))
        yield Problem(
            f'thinking.type: "{thinking["type"]}" is not supported by {model.id} (use one of: {allowed})'
        )
    elif thinking.get("display") not in (None, "summarized", "omitted"):
        yield Problem("thinking.display: Input should be 'summarized' or 'omitted'")
    elif "block_binding" in thinking:
        yield Problem("thinking.block_binding: the rehearsal always rejects thinking blocks that do not fit")


def _tool_choice(body: dict[str, Any], model: Model) -> Iterator[Problem]:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "none", "any", "tool"):
        yield Problem("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    elif not body.get("tools"):
        yield Problem("tool_choice: tool_choice may only be specified while providing tools.")
    elif kind in ("any", "tool") and not model.forced_tool_choice:
        yield Problem(f'tool_choice: "{kind}" forces tool use, which {model.id} does not support')


def _meaning(
    body: dict[str, Any], model: Model, betas: Collection[str], *, counting: bool
) -> Iterator[Problem]:
    """Rules that compare several well-formed parts."""
    compacting = body.get("compaction") is not None
    turns = turns_of(body["messages"])
    yield from _compaction(body, betas, carried=any(turn.of_type("compaction") for turn in turns))
    needs_thinking = (body.get("thinking") or {}).get("type") == "enabled"
    yield from conversation_problems(turns, model.id, compacting=compacting, needs_thinking=needs_thinking)
    prompt = prompt_of(body)
    marks = [segment.ttl for segment in prompt if segment.ttl]
    if len(marks) > MAX_CACHE_MARKS:
        yield Problem(
            f"A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {len(marks)}."
        )
    if marks != sorted(marks):
        yield Problem("cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' one.")
    total = sum(segment.tokens for segment in prompt)
    if total > model.max_input and not counting:
        yield Problem(f"prompt is too long: {total} tokens > {model.max_input} maximum")


def _compaction_fields(compaction: dict[str, Any]) -> Iterator[Problem]:
    for name in sorted(compaction.keys() - {"type", "instructions"}):
        yield Problem(f"compaction.{name}: Extra inputs are not permitted")
    instructions = compaction.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        yield Problem("compaction.instructions: Input should be a valid string")


def _compaction(body: dict[str, Any], betas: Collection[str], *, carried: bool) -> Iterator[Problem]:
    compaction = body.get("compaction")
    if compaction is None and not carried:
        if body.get("context_management") is not None:
            yield Problem(
                "context_management: the rehearsal has no context editing, only on-demand compaction"
            )
        return
    if COMPACT_BETA not in betas:
        what = "compaction: Extra inputs are not permitted" if compaction else "messages: `compaction` blocks"
        yield Problem(f"{what} (needs the `anthropic-beta: {COMPACT_BETA}` header)")
    if compaction is not None and (not isinstance(compaction, dict) or compaction.get("type") != "summarize"):
        yield Problem("compaction.type: Input should be 'summarize'")
    elif compaction is not None:
        yield from _compaction_fields(compaction)
    if compaction is not None and body.get("context_management") is not None:
        yield Problem("compaction: cannot be combined with `context_management`")
