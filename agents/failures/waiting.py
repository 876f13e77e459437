"""Which builds wait for the operator, for what, and since when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet

from agents.errors import Trouble
from agents.failures.trouble import TABLE
from agents.models import AgentSession, SessionState


@dataclass(frozen=True)
class Waiting:
    """The builds that sleep because of one kind of trouble; `said` is what the newest was told."""

    trouble: Trouble
    builds: int
    since: datetime | None
    said: str

    @property
    def fix(self) -> str:
        return TABLE[self.trouble].operator


def for_the_operator() -> list[Waiting]:
    """What only the operator can mend, with the longest wait first."""
    mendable = [trouble.value for trouble, row in TABLE.items() if row.operator]
    asleep = AgentSession.objects.filter(state=SessionState.SLEEPING, trouble__in=mendable)
    kinds = asleep.values("trouble").annotate(builds=Count("pk"), since=Min("trouble_since"))
    return [
        Waiting(Trouble(kind["trouble"]), kind["builds"], kind["since"], _said_to(asleep, kind["trouble"]))
        for kind in kinds.order_by("since")
    ]


def _said_to(asleep: QuerySet[AgentSession], trouble: str) -> str:
    newest = asleep.filter(trouble=trouble).order_by("-wake_at").values_list("trouble_detail", flat=True)
    return newest.first() or ""
