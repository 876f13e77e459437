"""The admin's actions on builds: each does what the API does, by the same rules, for all chosen builds."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from agents.actions import control
from agents.models import AgentSession
from jobs.admin_base import ReadOnlyAdmin, staff_of
from jobs.errors import CofounderError
from jobs.models import Job

OPERATE = "agents.operate_agentsession"

Verb = Callable[..., Any]


class ActingAdmin(ReadOnlyAdmin):
    """A list of jobs or sessions with what `agents.actions.control` does. A refusal is shown as a message."""

    actions: Any = ("wake", "pause", "resume", "put_to_sleep", "retry", "stop")
    change_form_template = "admin/build_change_form.html"

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(OPERATE))

    @admin.action(description="Wake", permissions=["operate"])
    def wake(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._act(request, chosen, control.wake, "Woken")

    @admin.action(description="Pause", permissions=["operate"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._act(request, chosen, control.pause, "Paused")

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._act(request, chosen, control.resume, "Resumed")

    @admin.action(description="Put to sleep until the next day", permissions=["operate"])
    def put_to_sleep(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._act(request, chosen, control.sleep, "Put to sleep")

    @admin.action(description="Build again", permissions=["operate"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        self._act(request, chosen, control.retry, "Started again")

    @admin.action(description="Stop for good …", permissions=["operate"])
    def stop(self, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
        """Stop after a second confirmation, because a stopped build cannot be resumed."""
        if "confirmed" in request.POST:
            self._act(request, chosen, control.cancel, "Stopped")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Stop these builds?",
            "opts": self.opts,
            "chosen": chosen,
        }
        return TemplateResponse(request, "admin/stop_builds.html", context)

    def _act(self, request: HttpRequest, chosen: QuerySet[Any], verb: Verb, done: str) -> None:
        """Do it for each build separately, so that one refusal does not stop the others; log each change."""
        count = 0
        for row in chosen:
            try:
                verb(job_of(row), staff_of(request))
            except CofounderError as refusal:
                self.message_user(request, f"{job_of(row).project.name}: {refusal}", messages.WARNING)
            else:
                self.log_change(request, row, f"{done}.")
                count += 1
        if count:
            self.message_user(request, f"{done}: {count}.", messages.SUCCESS)


def job_of(row: Job | AgentSession) -> Job:
    return row if isinstance(row, Job) else row.job
