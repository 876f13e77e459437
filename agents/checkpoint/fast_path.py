"""The two durable points of a step: saving the turn, and saving the results.

In the usual case each is a single SQL statement (`agents.checkpoint.statements`) that takes effect only if
the rows are as this worker expects. Otherwise, or if they are not, the function in `agents.checkpoint.step`
does it in a transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from agents.budget import prices
from agents.budget.allowance import USUAL_MAX_TOKENS, budget_pct, context_limit_of
from agents.budget.ledger import Grant
from agents.checkpoint import statements, step
from agents.checkpoint.expected import Expected
from agents.checkpoint.step import NextCall
from agents.checkpoint.transcript import upper_bound
from agents.failures.failure import concerns
from agents.models import AgentMessage
from agents.session import live_keys
from agents.session.claim import Claim
from agents.session.facts import budget_fact, facts_of, finished_fact
from agents.session.state import reason_to_pause
from agents.turns import Block, ToolResult, Turn
from agents.usage import Usage
from jobs import clock, events
from jobs.events import Fact


def save_turn(
    claim: Claim, standing: Expected | None, grant: Grant, turn: Turn, spent: Usage, labels: dict[str, str]
) -> tuple[AgentMessage, Expected | None]:
    """Point one: save the turn. Returns its row and the new expected state, None if that has to be read."""
    if standing is not None and (row := _save_turn_at_once(claim, standing, grant, turn, spent, labels)):
        return row, replace(
            standing,
            position=row.position,
            iteration=standing.iteration + 1,
            context_tokens=turn.usage.context_tokens,
        )
    with transaction.atomic():
        return step.save_turn(claim, grant, turn, spent, labels), None


def save_results(
    claim: Claim,
    standing: Expected | None,
    results: Sequence[ToolResult],
    notes: Sequence[Block],
    most_tokens: int = USUAL_MAX_TOKENS,
) -> NextCall:
    """Point two: save the results. `standing` is None while another call is still reserved.

    `most_tokens` is how long the next answer may be; a longer one than usual always comes with a note.
    """
    if standing is not None and not notes and _is_plain(results, standing):
        following = _save_results_at_once(claim, standing, results)
        if following is not None:
            return following
    with transaction.atomic():
        return step.save_results(claim, results, notes, most_tokens)


def _is_plain(results: Sequence[ToolResult], standing: Expected) -> bool:
    """Whether these results change only the transcript, and no limit on all founders' spending applies."""
    return bool(
        results
        and not any(result.effects for result in results)
        and not concerns(results, standing.watched)
        and not settings.MAX_DAILY_SPEND
    )


def _save_turn_at_once(
    claim: Claim, standing: Expected, grant: Grant, turn: Turn, spent: Usage, labels: dict[str, str]
) -> AgentMessage | None:
    cost = prices.price_of(standing.model, grant.day).cost(spent)
    facts = events.checked(facts_of(turn, labels, standing.phase))
    row = standing.message(claim.job_id, AgentMessage.Role.ASSISTANT, turn.content, turn.stop_reason)
    written = statements.one_row(
        statements.SAVE_TURN,
        {
            **_common(claim, standing, row, facts),
            **vars(spent),
            "day": grant.day,
            "entry": grant.entry_id,
            "context_tokens": turn.usage.context_tokens,
            "cost": cost,
            "stop_reason": turn.stop_reason,
        },
    )
    if written is None:
        return None
    percent = budget_pct(written["spent"], written["allowance"])
    facts.append(budget_fact(written["spent"], written["allowance"]))
    events.announce(claim.job_id, facts, written["last_seq"], row.created_at)
    transaction.on_commit(partial(live_keys.set_budget_soon, claim.job_id, percent))
    return row


def _save_results_at_once(claim: Claim, standing: Expected, results: Sequence[ToolResult]) -> NextCall | None:
    moment = clock.now()
    if moment.date() != standing.day:
        return None
    content = [result.block() for result in results]
    bound = standing.context_tokens + upper_bound(content)
    price = prices.price_of(standing.model, standing.day)
    facts = events.checked([finished_fact(result, standing.phase, standing.iteration) for result in results])
    row = standing.message(claim.job_id, AgentMessage.Role.USER, content)
    grant = Grant(uuid4(), USUAL_MAX_TOKENS, standing.day)
    written = statements.one_row(
        statements.SAVE_RESULTS,
        {
            **_common(claim, standing, row, facts),
            **standing.conditions(),
            "amount": price.worst_case(bound, grant.max_tokens),
            "calls": len(results),
            "context_tokens": bound,
            "entry": grant.entry_id,
            "is_retry": any(result.is_error for result in results),  # only expected failures come here
            "max_tokens": grant.max_tokens,
            "price_version": price.version,
        },
    )
    if written is None:
        return None
    events.announce(claim.job_id, facts, written["last_seq"], row.created_at)
    return NextCall(
        [row],
        grant,
        pause=reason_to_pause(written["pause_requested"]),
        context_tokens=bound,
        context_limit=context_limit_of(price, standing.allowance),
        standing=replace(standing, position=row.position, context_tokens=bound),
    )


def _common(claim: Claim, standing: Expected, row: AgentMessage, facts: Sequence[Fact]) -> dict[str, Any]:
    return {
        "user": standing.user_id,
        "job": claim.job_id,
        "epoch": claim.epoch,
        "position": standing.position,
        "content": AgentMessage.content.field.get_prep_value(row.content),
        "facts": json.dumps(facts),
        "events": len(facts),
        "now": row.created_at,
    }
