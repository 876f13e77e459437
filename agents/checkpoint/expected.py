"""The state of a session and its founder's day as of the last durable point."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from agents.budget import ledger
from agents.budget.allowance import ceiling, period_start, wind_down_at
from agents.models import AgentMessage, AgentSession, DailyBudget, Subscription
from agents.turns import Block
from jobs import clock

NEVER = 2**62  # µ$ that no day's spend reaches


@dataclass(frozen=True)
class Expected:
    """What the worker expects to find at the next point. The statement that writes it verifies this."""

    user_id: UUID
    model: str
    position: int
    iteration: int
    phase: str
    context_tokens: int
    day: date
    allowance: int
    remaining: int  # µ$ of the period that earlier days have neither spent nor reserved
    renews_on: date
    is_wind_down_told: bool
    watched: tuple[frozenset[str], ...] = ()  # targets that have failed and have not worked since

    def conditions(self) -> dict[str, Any]:
        """What must still be true of the day and the period for another call to be granted."""
        return {
            "day": self.day,
            "allowance": self.allowance,
            "remaining": self.remaining,
            "renews_on": self.renews_on,
            "period_start": period_start(self.renews_on),
            "ceiling": ceiling(self.allowance, self.remaining),
            "wind_down_at": NEVER if self.is_wind_down_told else wind_down_at(self.allowance),
        }

    def message(
        self, session_id: UUID, role: str, content: list[Block], stop_reason: str = ""
    ) -> AgentMessage:
        """The transcript's next row."""
        return AgentMessage(
            session_id=session_id,
            position=self.position + 1,
            role=role,
            content=content,
            stop_reason=stop_reason,
            created_at=clock.now(),
        )


def expected_of(
    session: AgentSession,
    day: DailyBudget,
    context_tokens: int,
    watched: tuple[frozenset[str], ...] = (),
) -> Expected:
    """The expected state. Call it inside the transaction that locked the day and wrote the session."""
    subscription = Subscription.objects.select_related("tier").get(user=session.user_id)
    return Expected(
        user_id=session.user_id,
        model=session.model,
        position=session.last_position,
        iteration=session.iteration,
        phase=session.current_phase,
        context_tokens=context_tokens,
        day=day.day,
        allowance=day.allowance_microdollars,
        remaining=ledger.room_in_period(subscription, day.day),
        renews_on=subscription.renews_on,
        is_wind_down_told=session.wound_down_on == day.day,
        watched=watched,
    )
