"""Escalations in the admin: staff may read them, those with the permission may answer each once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from escalations import answers
from escalations.models import AgentEscalation
from jobs.admin_base import ReadOnlyAdmin, as_uuid, staff_of
from jobs.errors import CofounderError

ASKED = ["project", "founder", "job", "created_at", "plain_english_problem", "tried", "recommended_action"]
ANSWERED = ["answer", "founder_guidance", "secret_names", "resolved_by", "resolved_via", "resolved_at"]
AFTERWARDS = ["status", *ANSWERED, "delivered_at"]


class AnswerForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameter at run time
    decision = forms.ChoiceField(widget=forms.RadioSelect)
    guidance = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        required=False,
        help_text="The agent reads this word for word.",
    )

    class Meta:
        model = AgentEscalation
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["decision"].choices = list(_choices(self.instance).items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "decision" in given:
            try:
                answers.clean(self.instance, given["decision"], given.get("guidance", ""))
            except CofounderError as error:
                raise forms.ValidationError(str(error)) from error
        return given


def _choices(question: AgentEscalation) -> dict[str, str]:
    """Without credentials: only the founder gives these, on their page, or an operator at a terminal."""
    labels = {
        option["value"]: f"{option['label']}: {option['description']}".rstrip(": ")
        for option in question.options
        if option["value"] != answers.PROVIDE_CREDENTIALS
    }
    return labels | {answers.PROVIDE_GUIDANCE: "In your own words, below"}


@admin.register(AgentEscalation)
class AgentEscalationAdmin(ReadOnlyAdmin):
    form = AnswerForm
    list_display = [
        "created_at",
        "project",
        "founder",
        "short_problem",
        "error_type",
        "status",
        "resolved_via",
    ]
    list_filter = ["status", "resolved_via", "error_type", "created_at"]
    list_select_related = ["project__owner"]
    search_help_text = "A founder's e-mail address, words of a project's name, or an id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentEscalation]:
        found: QuerySet[AgentEscalation] = super().get_queryset(request)
        return found.select_related("project__owner", "job__project", "resolved_by")

    def found(self, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        if key := as_uuid(words):
            return (
                queryset.filter(pk=key) | queryset.filter(job=key) | queryset.filter(project=key)
            ).distinct()
        if "@" in words:
            return queryset.filter(project__owner__email__iexact=words)
        return queryset.filter(project__name__icontains=words)

    # What is shown

    @admin.display(description="founder")
    def founder(self, question: AgentEscalation) -> str:
        return str(question.project.owner)

    @admin.display(description="question")
    def short_problem(self, question: AgentEscalation) -> str:
        return str(question)

    @admin.display(description="what was tried")
    def tried(self, question: AgentEscalation) -> SafeString | str:
        if not question.attempts_summary:
            return "Nothing: it is not the agent's to decide."
        return format_html(
            "<ol>{}</ol>",
            format_html_join("", "<li>{}</li>", ((attempt,) for attempt in question.attempts_summary)),
        )

    @admin.display(description="answer")
    def answer(self, question: AgentEscalation) -> str:
        labels = {option["value"]: option["label"] for option in question.options}
        return str(labels.get(question.founder_decision, question.founder_decision))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ("Question", {"fields": ASKED})
        if obj is not None and self.has_change_permission(request, obj):
            return [asked, ("Answer", {"fields": ["decision", "guidance"]})]
        return [asked, ("Answer", {"fields": AFTERWARDS})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*ASKED, *AFTERWARDS]

    # Answering

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A question is answered once; after that, or when its build is over, it is read-only."""
        is_open = obj is None or obj.status == AgentEscalation.Status.PENDING
        return is_open and request.user.has_perm("escalations.change_agentescalation")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        answers.resolve(
            obj.pk,
            decision=form.cleaned_data["decision"],
            guidance=form.cleaned_data["guidance"],
            by=staff_of(request),
            via=AgentEscalation.Via.ADMIN,
        )

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """The audit log's line: the decision and its words."""
        guidance = f": {form.cleaned_data['guidance']}" if form.cleaned_data["guidance"] else ""
        return f"Answered with {form.cleaned_data['decision']}{guidance}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A refusal while saving (two answers at once, say) is shown as a sentence; nothing is saved."""
        try:
            shown: HttpResponse = super().change_view(
                request, object_id, form_url, {"show_save_and_continue": False, **(extra_context or {})}
            )
        except CofounderError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)
        return shown
