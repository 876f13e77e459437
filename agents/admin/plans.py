"""Plans and subscriptions. Changes take effect at once."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from agents.actions import money, suspension
from agents.admin.forms import CheckedForm, DollarsField
from agents.budget import reports, validation
from agents.budget.amounts import dollars
from agents.models import ENDED, AgentSession, DailyBudget, PlanTier, Subscription
from jobs import clock
from jobs.admin_base import BoundedPaginator, ModelAdmin


class TierForm(CheckedForm):
    monthly_budget_microdollars = DollarsField(label="Monthly budget ($)")

    class Meta:
        model = PlanTier
        fields = ("slug", "name", "model", "monthly_budget_microdollars", "max_tool_calls")
        help_texts = {"model": "For builds that begin from now on; a build keeps its model."}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        today = clock.today()
        if "model" in given:
            self.check(validation.check_model, given["model"], today, field="model")
        if "max_tool_calls" in given:
            self.check(validation.check_tool_calls, given["max_tool_calls"], field="max_tool_calls")
        if {"model", "monthly_budget_microdollars"} <= self.cleaned_data.keys():
            field = "monthly_budget_microdollars"
            self.check(validation.check_budget, given[field], given["model"], today, field=field)
        return given


@admin.register(PlanTier)
class TierAdmin(ModelAdmin):
    form = TierForm
    list_display = ("name", "slug", "model", "month", "max_tool_calls")

    @admin.display(description="a month", ordering="monthly_budget_microdollars")
    def month(self, tier: PlanTier) -> str:
        return dollars(tier.monthly_budget_microdollars)

    def get_readonly_fields(self, request: HttpRequest, obj: PlanTier | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: PlanTier, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "monthly_budget_microdollars" in form.changed_data:
            transaction.on_commit(partial(take_effect_on_tier, obj.pk))


def take_effect_on_tier(tier_id: str) -> None:
    """Recompute today for every founder on the plan whose day has begun, each in its own transaction."""
    begun = DailyBudget.objects.filter(day=clock.today()).values("user")
    at_work = AgentSession.objects.exclude(state__in=ENDED).values("user")
    subscriptions = Subscription.objects.select_related("user").filter(tier=tier_id)
    for subscription in subscriptions.filter(Q(user__in=begun) | Q(user__in=at_work)):
        money.recompute_today(subscription.user)


class SubscriptionForm(CheckedForm):
    monthly_budget_override_microdollars = DollarsField(
        label="Monthly budget instead of the plan's ($)", required=False
    )

    class Meta:
        model = Subscription
        fields = (
            *("user", "tier", "renews_on", "suspended"),
            *("monthly_budget_override_microdollars", "model_override"),
            *("auto_wake", "quiet_from", "quiet_until", "time_zone"),
        )
        help_texts = {
            "suspended": "Running builds pause and say why; they go on when the suspension is lifted.",
            "model_override": "Instead of the plan's, for builds that begin from now on.",
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        today = clock.today()
        if "renews_on" in given and "renews_on" in self.changed_data:
            self.check(validation.check_renewal, given["renews_on"], today)
        if given.get("model_override"):
            self.check(validation.check_model, given["model_override"], today, field="model_override")
        if {"quiet_from", "quiet_until", "time_zone"} <= given.keys():
            hours = given["quiet_from"], given["quiet_until"], given["time_zone"]
            self.check(validation.check_quiet_hours, *hours)
        self._check_budget(given)
        return given

    def _check_budget(self, given: dict[str, Any]) -> None:
        field = "monthly_budget_override_microdollars"
        tier, amount = given.get("tier"), given.get(field)
        if tier is None or amount is None or "model_override" in self.errors:
            return
        model = given.get("model_override") or tier.model
        self.check(validation.check_budget, amount, model, clock.today(), field=field)


@admin.register(Subscription)
class SubscriptionAdmin(ModelAdmin):
    form = SubscriptionForm
    list_display = ("user", "tier", "month", "renews_on", "suspended", "auto_wake")
    list_filter = ("tier", "suspended")
    list_select_related = ("user", "tier")
    search_fields = ("user__email",)
    autocomplete_fields = ("user",)
    readonly_fields = ("money",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    @admin.display(description="a month")
    def month(self, subscription: Subscription) -> str:
        return dollars(subscription.monthly_budget_microdollars)

    @admin.display(description="money")
    def money(self, subscription: Subscription) -> str:
        """What the founder has spent today, and what is left of the period."""
        if not subscription.pk:
            return ""
        stands = reports.budget_of(subscription.user)
        today, left = stands["allowance_microdollars"], stands["period_remaining_microdollars"]
        return (
            f"Today allows {dollars(today)}, of which {dollars(stands['spent_microdollars'])} is spent. "
            f"{dollars(left)} of the period is left."
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> tuple[str, ...]:
        return ("user", "money") if obj else ("money",)

    def has_change_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        """Nobody gives themselves money."""
        is_own = obj is not None and obj.user_id == request.user.pk
        return not is_own and super().has_change_permission(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = get_user_model().objects.exclude(email=request.user.get_username())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Builds depend on the subscription; suspend it to stop them."""
        return False

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "suspended" in form.changed_data:
            (suspension.suspend if obj.suspended else suspension.lift)(obj.user)
        money.recompute_today(obj.user)
