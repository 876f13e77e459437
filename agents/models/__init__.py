"""Plans, money, sessions, files and notifications: the rows of agents.

May import no other room of `agents`, only `jobs`. It alone re-exports its names: Django and the migrations
know them by `agents.models`.
"""

from agents.models.files import BuildDocument, ShareLink, Snapshot, SnapshotClock
from agents.models.interviews import InterviewProgress, InterviewState, InterviewTrouble
from agents.models.money import BudgetChange, DailyBudget, SpendEntry
from agents.models.notifications import Notice, NotificationSettings
from agents.models.plans import PlanTier, Subscription
from agents.models.sessions import (
    ASLEEP,
    AT_WORK,
    ENDED,
    PAUSED_AT_ONCE,
    AgentMessage,
    AgentSession,
    SessionState,
)

__all__ = [
    "ASLEEP",
    "AT_WORK",
    "ENDED",
    "PAUSED_AT_ONCE",
    "AgentMessage",
    "AgentSession",
    "BudgetChange",
    "BuildDocument",
    "DailyBudget",
    "InterviewProgress",
    "InterviewState",
    "InterviewTrouble",
    "Notice",
    "NotificationSettings",
    "PlanTier",
    "SessionState",
    "ShareLink",
    "Snapshot",
    "SnapshotClock",
    "SpendEntry",
    "Subscription",
]
