"""A project's app, for its owner and anyone with a share link: woken if it sleeps, then redirected to.

Pages that an agent made are never served from our origin: this only redirects.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agents.actions import show_app
from agents.actions.share_links import links_of, make, opens, revoke, token_of
from agents.preview import probe
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founders_only, own_job, own_project
from jobs.api.pagination import as_number
from jobs.errors import CofounderError
from jobs.models import EventType, Job, Project

OTHERS_SENTENCE = "It could not be opened just now. Whoever gave you the link can see why."


class NoLink(Exception):
    """This link does not work any more. Ask whoever gave it to you for a new one."""


@dataclass(frozen=True)
class Visit:
    """Who is looking at which project's app; `query` keeps the share link in the addresses of our pages."""

    project: Project
    is_owner: bool
    query: str

    def address(self, name: str, **more: Any) -> str:
        query = "&".join(part for part in (self.query, urlencode(more)) if part)
        return f"{reverse(name, args=[self.project.pk])}{'?' if query else ''}{query}"


@never_cache
@require_safe
@limited("links", reads=True)
def open_app(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Redirect to the running app; one that sleeps is woken by a worker, and a page waits for it."""
    try:
        visit = _visit(request, project_id)
    except NoLink as error:
        return render(request, "app/refused.html", {"sentence": error.__doc__}, status=404)
    if visit is None:
        return redirect_to_login(request.get_full_path())
    under_way = show_app.running_build(visit.project)
    if under_way is not None and _answers(under_way):
        return _redirect(under_way)
    job = show_app.finished_build(visit.project)
    if job is None:
        return render(request, "app/none.html", {"visit": visit, "under_way": under_way})
    if _answers(job):
        show_app.note_use(job)
        return _redirect(job)
    after = job.last_seq
    if request.method == "GET":
        show_app.note_use(job)
        show_app.show_soon(job.pk)
    return render(request, "app/opening.html", _progress_of(visit, job, after))


@never_cache
@require_safe
def progress(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """How far the opening is, for the waiting page, which then moves on to the app by itself."""
    try:
        visit = _visit(request, project_id)
    except NoLink:
        visit = None
    job = show_app.finished_build(visit.project) if visit else None
    if visit is None or job is None:
        raise Http404("There is nothing to wait for.")
    context = _progress_of(visit, job, as_number(request.GET.get("after", "0")) or 0)
    if not replies.is_htmx(request):
        if context["url"]:
            return redirect(context["url"])
        return render(request, "app/opening.html", context)
    response = render(request, "app/progress.html", context)
    if context["url"]:
        response["HX-Redirect"] = context["url"]
    return response


@founders_only
@require_safe
def status(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Whether a build's app answers now, for the panel on its page. Looking does not wake it."""
    job = own_job(request, job_id)
    answer = async_to_sync(probe.ask)(job.preview_url) if job.preview_url else None
    return render(request, "app/status.html", {"job": job, "answer": answer})


# Share links


@founders_only
@require_safe
def share_links(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The part of a page on which share links are made and revoked."""
    return _links(request, own_project(request, project_id))


@founders_only
@require_POST
@limited("links")
def share(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Make a link that works for `days` days."""
    project = own_project(request, project_id)
    days = request.POST.get("days", "")
    try:
        make(project, int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0)
    except CofounderError as error:
        return replies.refused(request, error, _back(project))
    return _shared(request, project, "The link is ready. Whoever has it can open the app.")


@founders_only
@require_POST
def unshare(request: HttpRequest, project_id: UUID, link_id: UUID) -> HttpResponse:
    project = own_project(request, project_id)
    revoke(project, link_id)
    return _shared(request, project, "The link is revoked.")


def _shared(request: HttpRequest, project: Project, sentence: str) -> HttpResponse:
    if not replies.is_htmx(request):
        return replies.done(request, sentence, _back(project))
    return _links(request, project, sentence)


def _links(request: HttpRequest, project: Project, sentence: str = "") -> HttpResponse:
    links = [(link, _address_of(project, token_of(link))) for link in links_of(project)]
    context = {"project": project, "links": links, "sentence": sentence}
    return render(request, "app/share.html", context)


def _address_of(project: Project, token: str) -> str:
    return f"{settings.BASE_URL}{reverse('preview', args=[project.pk])}?{urlencode({'link': token})}"


def _back(project: Project) -> str:
    job = show_app.finished_build(project)
    return reverse("build", args=[job.pk]) if job else reverse("projects")


# Who may look, and what there is to see


def _visit(request: HttpRequest, project_id: UUID) -> Visit | None:
    """None for a stranger without a link, who may be the owner and must sign in first."""
    token = request.GET.get("link", "")
    if token:
        if not opens(project_id, token):
            raise NoLink
        project = Project.objects.get(pk=project_id)
        return Visit(project, project.owner_id == request.user.pk, urlencode({"link": token}))
    if not request.user.is_authenticated:
        return None
    return Visit(own_project(request, project_id), is_owner=True, query="")


def _answers(job: Job) -> bool:
    """Whether the app answers at all; an error of its own is for its visitors to see."""
    return bool(job.preview_url) and async_to_sync(probe.ask)(job.preview_url).http_status is not None


def _redirect(job: Job) -> HttpResponse:
    return redirect(job.preview_url)


def _progress_of(visit: Visit, job: Job, after: int) -> dict[str, Any]:
    """The steps since an event of the build's log; in the end `url`, or in `trouble` why there is none."""
    steps = job.events.filter(
        seq__gt=after, type__in=[EventType.PREVIEW_UPDATED, EventType.SNAPSHOT_RESTORED]
    )
    context: dict[str, Any] = {"visit": visit, "job": job, "steps": [], "url": "", "trouble": ""}
    for event in steps:
        payload = event.payload
        if event.type == EventType.SNAPSHOT_RESTORED:
            context["steps"].append(f"Restoring {payload['count']} of its files")
        elif payload["status"] == probe.STARTING:
            context["steps"].append(payload.get("message", ""))
        elif payload["status"] == probe.Status.DOWN:
            context["trouble"] = payload.get("message", "") if visit.is_owner else OTHERS_SENTENCE
        else:
            context["url"] = payload["url"]
    context["again"] = visit.address("preview")
    context["address"] = visit.address("preview-progress", after=after)
    return context
