"""The money of a founder's day: budget, changes to it, and the ledger. Amounts are µ$.

What was spent stays when a project or a founder is deleted: the rows lose the name, and keep the money.
"""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from agents.models.sessions import AgentSession
from jobs.models import UUIDModel


class DailyBudget(models.Model):
    """A founder's UTC day: what it allows, what is settled, and what calls under way may still cost (µ$)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="daily_budgets",
        db_index=False,
    )
    day = models.DateField()
    allowance_microdollars = models.PositiveBigIntegerField()
    spent_microdollars = models.PositiveBigIntegerField(default=0)
    reserved_microdollars = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="daily_budget_day")]
        indexes = [models.Index(fields=["day"], name="daily_budget_of_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.spent_microdollars} of {self.allowance_microdollars} µ$"


class BudgetChange(UUIDModel):
    """Money moved by a person; `day` is the UTC day it counts for."""

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Top-up"  # adds to the period
        TODAY_ONLY = "today_only", "Today only"  # moves the period's money to or from a day
        OVERRIDE = "override", "Override"  # an admin's correction of the period

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="budget_changes"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    amount_microdollars = models.BigIntegerField()
    day = models.DateField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["-created_at"], name="budget_change_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_microdollars} µ$"


class SpendEntry(UUIDModel):
    """One model call in the ledger: reserved before it is made, settled by what it used.

    Added like an `AgentMessage`, together with a change of the session's own row.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"  # the call never happened

    class Kind(models.TextChoices):
        BUILD = "build", "Build"  # a call of a build's session
        INTERVIEW = "interview", "Interview"  # a question before the build; without a session
        REVIEW = "review", "Review"  # the second look at a finished build; without a session

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="spend",
        db_index=False,
        db_constraint=False,
    )
    session = models.ForeignKey(
        AgentSession, null=True, on_delete=models.SET_NULL, related_name="spend", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BUILD, db_default=Kind.BUILD)
    phase = models.CharField(max_length=200, blank=True)
    day = models.DateField()  # of the reservation
    model = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.RESERVED)
    reserved_microdollars = models.PositiveBigIntegerField()
    max_tokens = models.PositiveIntegerField()
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_5m_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_1h_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cost_microdollars = models.PositiveBigIntegerField(default=0)
    price_version = models.CharField(max_length=20)
    is_retry = models.BooleanField(default=False)  # the call answers a failure
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        verbose_name_plural = "spend entries"
        indexes = [
            models.Index(fields=["user", "day"], name="spend_user_day"),
            models.Index(fields=["session"], name="spend_reserved", condition=Q(status="reserved")),
            # Rows come in the order of their days: this costs a call next to nothing.
            BrinIndex(fields=["day"], pages_per_range=32, autosummarize=True, name="spend_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.cost_microdollars} µ$ on {self.day}"
