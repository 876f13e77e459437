"""A step's turns, results and money as events of the job's log."""

from typing import Any

from agents.budget.allowance import budget_pct
from agents.turns import EXCERPT_LIMIT, ToolResult, Turn
from jobs.events import Fact
from jobs.models import EventType


def facts_of(turn: Turn, labels: dict[str, str], phase: str) -> list[Fact]:
    """The events of a turn."""
    facts: list[Fact] = []
    if turn.thinking:
        facts.append((EventType.AGENT_THINKING, {"text": turn.thinking[:EXCERPT_LIMIT]}))
    if turn.text:
        facts.append((EventType.AGENT_MESSAGE, {"text": turn.text, "author": "agent"}))
    for call in turn.calls:
        payload = {
            "call_id": call.id,
            "tool": call.name,
            "label": labels[call.id],
            "phase": phase,
        }
        facts.append((EventType.TOOL_CALLED, payload))
    return facts


def budget_fact(spent: int, allowance: int) -> Fact:
    """The event of the founder's day: its budget and what is spent."""
    return (
        EventType.BUDGET_UPDATED,
        {
            "budget_pct": budget_pct(spent, allowance),
            "spent_microdollars": spent,
            "allowance_microdollars": allowance,
        },
    )


def finished_fact(result: ToolResult, phase: str, iteration: int) -> Fact:
    """The event of a tool result."""
    payload: dict[str, Any] = {
        "call_id": result.call.id,
        "tool": result.call.name,
        "label": result.label,
        "ok": not result.is_error,
        "exit_code": result.exit_code,
        "duration_ms": result.duration_ms,
        "excerpt": result.excerpt[:EXCERPT_LIMIT],
        "phase": phase,
        "iteration": iteration,
    }
    optional = {"command": result.call.input.get("command"), "diff": result.diff, "image": result.image}
    payload |= {name: value for name, value in optional.items() if value}
    return EventType.TOOL_FINISHED, payload
