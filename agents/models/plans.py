"""What a founder pays for: plan tiers and subscriptions."""

from django.conf import settings
from django.db import models


class PlanTier(models.Model):
    """What a subscription buys."""

    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    monthly_budget_microdollars = models.PositiveBigIntegerField()
    max_tool_calls = models.PositiveIntegerField(default=150)

    class Meta:
        ordering = ["monthly_budget_microdollars"]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A founder's plan, what an admin overrides of it, and when the agent may wake."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    tier = models.ForeignKey(PlanTier, on_delete=models.PROTECT)
    renews_on = models.DateField()
    renewal_day = (
        models.PositiveSmallIntegerField(  # of the month, 1 to 31: the 31st comes again after February
            null=True, blank=True, editable=False
        )
    )
    begun_on = models.DateField(null=True, blank=True)  # by signing up; else a person gave it
    model_override = models.CharField(max_length=100, blank=True)
    monthly_budget_override_microdollars = models.PositiveBigIntegerField(null=True, blank=True)
    auto_wake = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    suspended = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user} on {self.tier}"

    @property
    def monthly_budget_microdollars(self) -> int:
        override = self.monthly_budget_override_microdollars
        return self.tier.monthly_budget_microdollars if override is None else override

    @property
    def model(self) -> str:
        return self.model_override or self.tier.model
