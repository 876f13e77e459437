"""The brief: what is promised, taken for granted and left out, line by line; and about what it will cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from agents.actions import brief as actions
from agents.actions.start import start_build
from agents.budget import estimate as estimates
from agents.budget.estimate import Estimate
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only, own_project
from jobs import brief_edits, briefs, promises
from jobs.brief_edits import Brief
from jobs.errors import CofounderError, Conflict
from jobs.models import Artifact, Job, JobStatus, Project
from jobs.promises import Difference, Promised

TAKEN_AWAY = frozenset({"remove", "wait", "promise", "again", "right"})  # the button is gone afterwards
LONG_NUMBER = 9  # digits
VERSIONS = 20  # shown, the newest


@dataclass(frozen=True)
class Typed:
    """What was refused, to be shown again where it was typed."""

    part: str = ""
    line: str = ""
    text: str = ""
    how_checked: str = ""


@dataclass(frozen=True)
class Edited:
    """What was done to which line, so that the focus stays there."""

    part: str = ""
    line: str = ""
    action: str = ""

    @property
    def goes_to(self) -> str:
        """The part whose heading takes the focus, because the line or its button is gone."""
        return self.part if self.action in TAKEN_AWAY else ""

    @property
    def added_to(self) -> str:
        return self.part if self.action == "add" else ""


@dataclass(frozen=True)
class Line:
    """A line as the page shows it; `name` is the line's id in an edit, `was` the text before the change."""

    name: str
    text: str
    how_checked: str = ""
    mark: str = ""
    was: str = ""
    typed: Typed | None = None
    is_open: bool = False
    focus: str = ""  # the button that was pressed last: save, up or down


def lines_after(lines: Sequence[Line], part: str, typed: Typed, edited: Edited) -> list[Line]:
    """The lines of a part, with the one that was refused or edited last as the founder left it."""
    return [
        replace(
            line,
            typed=typed if (typed.part, typed.line) == (part, line.name) else None,
            is_open=(typed.part, typed.line) == (part, line.name)
            or ((edited.part, edited.line) == (part, line.name) and edited.action in ("up", "down")),
            focus=_focus(place, len(lines), edited.action)
            if (edited.part, edited.line) == (part, line.name)
            else "",
        )
        for place, line in enumerate(lines)
    ]


def _focus(place: int, count: int, action: str) -> str:
    """At an end of the list the button is gone: the summary takes the focus."""
    is_at_end = (action == "up" and place == 0) or (action == "down" and place == count - 1)
    return "save" if is_at_end else action


@dataclass(frozen=True)
class Version:
    number: int
    made_at: datetime
    difference: Difference  # from the version before


@dataclass(frozen=True)
class BriefPage:
    """Everything on the page. `built` is the newest finished build, `under_way` one that is not over."""

    project: Project
    brief: Brief
    built: Job | None
    under_way: Job | None
    difference: Difference  # from what is built; all is new before
    estimate: Estimate | None
    smaller: list[Promised]
    smaller_estimate: Estimate | None
    assumptions: list[dict[str, str]]

    @property
    def lines(self) -> list[Line]:
        was = {new.key: old.text for old, new in self.difference.changed}
        new = {promise.key for promise in self.difference.new}
        return [
            Line(
                promise.key,
                promise.text,
                promise.how_checked,
                self._mark(promise.key, was, new),
                was.get(promise.key, "") if self.built else "",
            )
            for promise in self.brief.promises
        ]

    def _mark(self, key: str, was: dict[str, str], new: set[str]) -> str:
        if self.built is None:
            return ""
        return "changed" if key in was else "new" if key in new else ""

    @property
    def out_of_scope(self) -> list[Line]:
        return [Line(text, text) for text in self.brief.lines("out_of_scope")]

    @property
    def needs(self) -> list[Line]:
        return [Line(text, text) for text in self.brief.lines("needs")]

    @property
    def is_unchecked(self) -> bool:
        """A change that no promise speaks of."""
        return self.built is not None and not self.difference.to_build

    @property
    def versions(self) -> list[Version]:
        return versions_of(self.project)


def read(project: Project) -> BriefPage:
    brief = brief_edits.brief_of(briefs.latest_brief(project))
    jobs = project.jobs.select_related("idea_brief").order_by("-build_number")
    newest = jobs.first()
    built = jobs.filter(status=JobStatus.READY).first()
    before = promises.of_job(built) if built else []
    difference = promises.difference(before, brief.promises)
    basis = estimates.estimator(project.owner_id)
    smaller = brief_edits.that_could_wait(brief.promises) if brief.promises else []

    def about(count: int) -> Estimate | None:
        return estimates.estimate(count, *basis) if basis else None

    return BriefPage(
        project=project,
        brief=brief,
        built=built,
        under_way=newest if newest and not newest.is_over else None,
        difference=difference,
        estimate=about(max(1, difference.to_build)),
        smaller=smaller if built is None else [],
        smaller_estimate=about(len(brief.promises) - len(smaller)),
        assumptions=briefs.assumptions(project),
    )


def versions_of(project: Project) -> list[Version]:
    """The newest versions, each with what it changed in the promises."""
    found = project.artifacts.filter(artifact_type=Artifact.Type.IDEA_BRIEF).order_by("-version")
    rows = list(found.values_list("version", "created_at")[: VERSIONS + 1])
    told = promises.of_versions(project.pk, [version for version, _ in rows])
    return [
        Version(version, made_at, promises.difference(told.get(version - 1, []), told[version]))
        for version, made_at in rows[:VERSIONS]
    ]


NOTHING_TYPED, NOTHING_EDITED = Typed(), Edited()


@founders_only
@require_safe
def brief(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """`smaller`: with the proposal which promises could wait."""
    page = read(own_project(request, project_id))
    return render(request, "brief.html", _context(page, proposes="smaller" in request.GET))


@founders_only
@require_POST
@limited("messages")
def edit(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """One edit of a line; the page comes back with it, or with a sentence and what was typed."""
    project = own_project(request, project_id)
    given = {name: request.POST.get(name, "") for name in ("part", "line", "was", "text", "how_checked")}
    action = request.POST.get("action", "")
    try:
        _apply(project, action, given, request)
    except CofounderError as error:
        typed = Typed(given["part"], given["line"], given["text"], given["how_checked"])
        return _refused(request, project, error, typed)
    if not replies.is_htmx(request):
        return redirect(reverse("brief", args=[project.pk]) + "#" + PLACES.get(given["part"], "brief"))
    is_renamed = action == "save" and given["part"] in brief_edits.LISTS  # such a line is named by its words
    name = " ".join(given["text"].split()) if is_renamed else given["line"]
    context = _context(read(project), edited=Edited(given["part"], name, action))
    return render(request, "parts/brief.html", context)


PLACES = {"promise": "promises", "out_of_scope": "left-out", "needs": "needs", "assumption": "assumptions"}


def _apply(project: Project, action: str, given: dict[str, str], request: HttpRequest) -> None:
    founder, part, line, text = founder_of(request), given["part"], given["line"], given["text"]
    how_checked = given["how_checked"]
    if action == "change":
        actions.ask_for_change(project, text)
        return
    if part == "assumption" and action in ("right", "save"):
        actions.judge_assumption(project, line, None if action == "right" else text, founder)
        return
    edits: dict[str, Callable[[], brief_edits.Edit]] = {
        "add": lambda: brief_edits.added(part, text, how_checked),
        "up": lambda: brief_edits.moved(part, line, -1),
        "down": lambda: brief_edits.moved(part, line, 1),
        "remove": lambda: brief_edits.removed(part, line),
        "wait": lambda: brief_edits.left_out(request.POST.getlist("line")),
        "promise": lambda: brief_edits.promised_after_all(line),
        "again": lambda: brief_edits.added("promise", text),
        "save": lambda: brief_edits.changed(part, line, text, how_checked, was=given["was"]),
        "back": lambda: brief_edits.back_to(_version(project, line)),
    }
    if action not in edits or part not in ("promise", *brief_edits.LISTS):
        raise CofounderError("That is nothing that can be done with a line.")
    actions.edit_brief(project, edits[action](), by=founder)


def _version(project: Project, number: str) -> Brief:
    found = project.artifacts.filter(artifact_type=Artifact.Type.IDEA_BRIEF)
    artifact = (
        found.filter(version=int(number)).first()
        if number.isascii() and number.isdigit() and len(number) < LONG_NUMBER
        else None
    )
    if artifact is None:
        raise Conflict("There is no such version.")
    return brief_edits.brief_of(artifact)


@founders_only
@require_POST
@limited("start")
def build(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Build what the brief says; after a finished build, the change."""
    project = own_project(request, project_id)
    try:
        if "text" in request.POST:
            actions.ask_for_change(project, request.POST["text"])
        page = read(project)
        if page.built and page.difference.is_empty and not project.next_change:
            raise CofounderError("Write what should be different, or change a promise.")
        job, _ = start_build(project, goal=project.next_change if page.built else "")
    except CofounderError as error:
        return _refused(request, project, error, Typed("change", text=request.POST.get("text", "")))
    target = reverse("build", args=[job.pk])
    return HttpResponseClientRedirect(target) if replies.is_htmx(request) else redirect(target)


def _refused(request: HttpRequest, project: Project, error: CofounderError, typed: Typed) -> HttpResponse:
    page = read(project)
    shown = {line.name for line in (*page.lines, *page.out_of_scope, *page.needs)}
    if typed.line and typed.line not in shown | {each["id"] for each in page.assumptions}:
        typed = Typed(typed.part, "", typed.text, typed.how_checked)
    context = _context(page, refusal=str(error), typed=typed)
    template = "parts/brief.html" if replies.is_htmx(request) else "brief.html"
    return render(request, template, context, status=error.status_code)


def _context(
    page: BriefPage, typed: Typed = NOTHING_TYPED, edited: Edited = NOTHING_EDITED, **more: Any
) -> dict[str, Any]:
    return {
        "page": page,
        "project": page.project,
        "language": page.brief.language,
        "longest": brief_edits.PROMISE_LIMIT,
        "typed": typed,
        "edited": edited,
        "lines": lines_after(page.lines, "promise", typed, edited),
        "left_out": lines_after(page.out_of_scope, "out_of_scope", typed, edited),
        "needs": lines_after(page.needs, "needs", typed, edited),
        **more,
    }
