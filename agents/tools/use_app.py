"""Uses the app as its visitors do: opens pages, clicks, fills in, and looks."""

from typing import Any, Self
from weakref import WeakKeyDictionary

from pydantic import Field, ValidationError, model_validator

from agents.preview import browser, visits
from agents.preview.journeys import reader
from agents.preview.steps import MOST_STEPS, Journey, Step
from agents.preview.visits import Look, Visit
from agents.sandbox import seen
from agents.sandbox.workspace import Workspace
from agents.tools.app_address import app_address
from agents.tools.pictures import image_block, stored
from agents.tools.tool import Input, Outcome, Tool, plural
from agents.turns import Replay, ToolFailure

# What visitors have kept between the calls of one run: cookies, local storage, where they were.
_VISITORS: WeakKeyDictionary[Workspace, dict[str, Any]] = WeakKeyDictionary()


class UseApp(Input):
    steps: list[Step] = Field(min_length=1, max_length=MOST_STEPS, description="Done in order.")
    width: int = Field(default=1280, ge=280, le=1920, description="Of the window; below 500 as on a phone.")
    save_as: str = Field(
        default="",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$|^$",
        description="When every step was done, keep them as cofounder/journeys/NAME.json, for a check.",
    )

    @model_validator(mode="after")
    def _can_be_a_journey(self) -> Self:
        if self.save_as:
            try:
                Journey(steps=self.steps)
            except ValidationError as error:
                raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
        return self


async def run(args: UseApp, workspace: Workspace) -> Outcome:
    base = await app_address(workspace)

    kept = _VISITORS.get(workspace)
    try:
        visit = await visits.walk(base, args.steps, reader(workspace), kept=kept, width=args.width)
    except browser.BrowserUnavailable as error:
        raise ToolFailure("screenshot_unavailable", f"{error} Check the app with bash instead.") from error
    except browser.PageDown as error:
        raise ToolFailure("preview_down", str(error)) from error
    _VISITORS[workspace] = visit.kept
    saved = "" if visit.failed or not args.save_as else await _save(args, workspace)
    pictures = [look.picture for look in visit.looks if look.picture]
    return Outcome(
        _text(args, visit, saved),
        _label("Tried the app", args) + (f": step {visit.failed} failed" if visit.failed else ""),
        "step_failed" if visit.failed else "",
        images=tuple(map(image_block, pictures)),
        image=await stored(workspace, pictures[-1]) if pictures else "",
        changed_files=True,
    )


async def _save(args: UseApp, workspace: Workspace) -> str:
    path = f"cofounder/journeys/{args.save_as}.json"
    content = Journey(steps=args.steps).as_json().encode()
    await workspace.write(path, content)
    await seen.remember(workspace, path, content)
    return f'Kept as {path}. A check takes it: {{"promise": "…", "journey": "journeys/{args.save_as}.json"}}'


def _text(args: UseApp, visit: Visit, saved: str) -> str:
    lines = []
    if visit.failed:
        step = args.steps[visit.failed - 1]
        lines.append(f"Step {visit.failed} ({step.said()}) could not be done. {visit.why}")
        if left := len(args.steps) - visit.failed:
            lines.append(f"The {plural(left, 'step')} after it {'was' if left == 1 else 'were'} not done.")
    else:
        lines.append(f"Every step was done ({len(args.steps)}).")
    lines += [saved] if saved else []
    lines += [f"The browser reports: {report}" for report in visit.reports]
    return "\n".join([*lines, *map(_seen, visit.looks)])


def _seen(look: Look) -> str:
    picture = ", with a picture" if look.picture else ""
    where = f"{look.address}, titled “{look.title}”" if look.title else look.address
    return f"\n[{look.visitor} after step {look.step}: {where}{picture}]\n{look.tree}"


def _label(verb: str, args: UseApp) -> str:
    visitors = len({step.visitor for step in args.steps})
    who = f"as {plural(visitors, 'visitor')}"
    return f"{verb} {who}, {plural(len(args.steps), 'step')}"


TOOL = Tool(
    name="use_app",
    description=(
        "Use the running app in a browser as its visitors would: a list of steps, each addressed by the role "
        "and the name that a person sees (the label of a field, the text of a button). The first step that "
        "cannot be done ends the call, and you are told what was on the page instead. You get each page as "
        "its accessibility tree, with its texts, after the last step and after each look; errors of scripts, "
        "failed requests, and a picture where a look asks for one. Visitors keep their cookies, and where "
        "they were, between your calls. Use it to see that what you have built works, with two visitors "
        "where they share something. It is a real visit: what is entered stays in the app. With save_as the "
        "steps become a check that runs without you: put in them a wait_for for each thing that must be "
        "true, and {unique} where the same entry twice would be refused."
    ),
    input=UseApp,
    replay=Replay.REPORT,
    doing=lambda args: _label("Trying the app", args),
    run=run,
)
