"""Founders' money: budget changes, days, and the ledger."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from agents.actions import money
from agents.admin.forms import CheckedForm, DollarsField
from agents.budget import reports
from agents.budget.amounts import dollars, exactly
from agents.models import BudgetChange, DailyBudget, SpendEntry
from jobs.admin_base import ReadOnlyAdmin, as_uuid, staff_of
from jobs.models import Job


class ChangeForm(CheckedForm):
    by: AbstractUser | None = None  # set for each request
    amount_microdollars = DollarsField(
        label="Amount ($)",
        help_text="A top-up adds it to the period. An override corrects the period by it, up or down. "
        "“Today only” sets what today may cost.",
    )

    class Meta:
        model = BudgetChange
        fields = ("user", "kind", "amount_microdollars", "reason")

    def clean(self) -> dict[str, Any]:
        """Validate by making the change and rolling it back."""
        given = super().clean() or {}
        if not self.errors:
            self.check(self._try)
        return given

    def _try(self) -> None:
        with transaction.atomic():
            self.make(self.by)
            transaction.set_rollback(True)

    def make(self, by: AbstractUser | None) -> DailyBudget:
        given, kinds = self.cleaned_data, BudgetChange.Kind
        user, amount, reason = given["user"], given["amount_microdollars"], given["reason"]
        if given["kind"] == kinds.TOP_UP:
            return money.top_up(user, amount, by=by, reason=reason)
        if given["kind"] == kinds.OVERRIDE:
            return money.override(user, amount, by, reason)
        return money.set_today(user, amount, by)


@admin.register(BudgetChange)
class ChangeAdmin(ReadOnlyAdmin):
    """Changes to founders' budgets made by people. They are never edited: a mistake needs another change."""

    form = ChangeForm
    list_display = ("created_at", "user", "kind", "amount", "day", "by", "reason")
    list_filter = ("kind", "day")
    list_select_related = ("user", "by")
    autocomplete_fields = ("user",)
    search_fields = ("user__email",)

    @admin.display(description="amount", ordering="amount_microdollars")
    def amount(self, change: BudgetChange) -> str:
        return dollars(change.amount_microdollars)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.add_budgetchange"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def found(self, queryset: QuerySet[BudgetChange], words: str) -> QuerySet[BudgetChange]:
        return queryset.filter(user__email__icontains=words)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> BudgetChange:
        """The change is made by the rules of `agents.actions.money`, not by the form."""
        form.make(staff_of(request))
        changes = BudgetChange.objects.filter(user=form.cleaned_data["user"]).order_by("-created_at")
        return changes.first() or form.instance

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing to do: `save_form` has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing to do: there are no related rows."""


@admin.register(DailyBudget)
class DayAdmin(ReadOnlyAdmin):
    list_display = ("day", "user", "allowance", "spent", "reserved", "used")
    list_select_related = ("user",)
    ordering = ("-day",)
    search_fields = ("user__email",)

    @admin.display(description="allows", ordering="allowance_microdollars")
    def allowance(self, day: DailyBudget) -> str:
        return dollars(day.allowance_microdollars)

    @admin.display(description="spent", ordering="spent_microdollars")
    def spent(self, day: DailyBudget) -> str:
        return dollars(day.spent_microdollars)

    @admin.display(description="reserved", ordering="reserved_microdollars")
    def reserved(self, day: DailyBudget) -> str:
        return dollars(day.reserved_microdollars)

    @admin.display(description="used")
    def used(self, day: DailyBudget) -> str:
        allowance = day.allowance_microdollars
        return f"{100 * day.spent_microdollars // allowance} %" if allowance else "no allowance"

    def found(self, queryset: QuerySet[DailyBudget], words: str) -> QuerySet[DailyBudget]:
        return queryset.filter(user__email__icontains=words)


class ModelFilter(admin.SimpleListFilter):
    """Filters by model. The choices are those of the price table: finding them in the ledger is slow."""

    title = parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(settings.MODEL_PRICES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(SpendEntry)
class SpendAdmin(ReadOnlyAdmin):
    """The ledger, call by call; each row links to the cost of its build by phase and by day."""

    list_display = (
        *("created_at", "kind", "build", "phase", "model", "status", "cost", "reserved", "is_retry"),
        *("input_tokens", "output_tokens", "cache_read_tokens"),
    )
    list_filter = ("kind", "status", "is_retry", ModelFilter, "day")
    list_select_related = ("session__job__project",)
    ordering = ("-created_at",)
    search_fields = ("session",)
    search_help_text = "A build's id or a founder's e-mail address."

    @admin.display(description="build")
    def build(self, entry: SpendEntry) -> str:
        if entry.session is None:
            return "a deleted build" if entry.kind == SpendEntry.Kind.BUILD else ""
        job = entry.session.job
        address = reverse("admin:agents_spend_of_build", args=[job.pk])
        return format_html('<a href="{}">{} {}</a>', address, job.project.name, job.build_version)

    @admin.display(description="cost", ordering="cost_microdollars")
    def cost(self, entry: SpendEntry) -> str:
        return exactly(entry.cost_microdollars)

    @admin.display(description="reserved", ordering="reserved_microdollars")
    def reserved(self, entry: SpendEntry) -> str:
        return exactly(entry.reserved_microdollars)

    def found(self, queryset: QuerySet[SpendEntry], words: str) -> QuerySet[SpendEntry]:
        if key := as_uuid(words):
            return queryset.filter(Q(session=key) | Q(pk=key))
        return queryset.filter(user__email__icontains=words)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.of_build)
        return [path("of/<uuid:job_id>/", view, name="agents_spend_of_build"), *super().get_urls()]

    def of_build(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """What one build cost, by phase and by day, and how much of it was spent on retries."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = get_object_or_404(Job.objects.select_related("project__owner"), pk=job_id)
        cost = reports.spend_of(job)
        context = {
            **self.admin_site.each_context(request),
            "title": f"What {job.project.name} {job.build_version} cost",
            "opts": self.opts,
            "total": exactly(cost["cost_microdollars"]),
            "retries": exactly(cost["retry_cost_microdollars"]),
            "calls": cost["calls"],
            "tables": [("Phase", _rows(cost["by_phase"], "phase")), ("Day", _rows(cost["by_day"], "day"))],
        }
        return TemplateResponse(request, "admin/spend_of_build.html", context)


def _rows(groups: list[dict[str, Any]], name: str) -> list[tuple[Any, str, str]]:
    return [
        (
            group[name] or "before the first phase",
            exactly(group["cost_microdollars"]),
            exactly(group["retry_cost_microdollars"]),
        )
        for group in groups
    ]
