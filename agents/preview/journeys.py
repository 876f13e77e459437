"""Ways through the app that were walked once and can be walked again, without a model."""

import posixpath
from dataclasses import dataclass

from agents.errors import NotDone
from agents.preview import browser, visits
from agents.preview.declaration import parsed
from agents.preview.steps import Journey
from agents.sandbox.workspace import Workspace
from agents.turns import ToolFailure

FOLDER = "cofounder"  # of the workspace; a declared journey is named from here
LARGEST = 200_000  # bytes
LARGEST_UPLOAD = 5_000_000


@dataclass(frozen=True)
class Walked:
    """How a journey went. `output` says each step, and what kept one from being done."""

    ok: bool
    output: str
    pictures: tuple[bytes, ...] = ()


class JourneyUnreadable(Exception):
    """The file is not a journey; the message says what is wrong with it."""


async def run_journey(workspace: Workspace, url: str, path: str) -> Walked:
    """Walk the journey that is kept at this path (`journeys/lend.json`) in the app at `url`.

    Raises `BrowserUnavailable`, as nothing can be said then.
    """
    try:
        journey = await journey_at(workspace, path)
        visit = await visits.walk(url, journey.steps, reader(workspace))
    except (JourneyUnreadable, browser.PageDown) as error:
        return Walked(ok=False, output=str(error))
    except (ToolFailure, NotDone) as error:
        return Walked(ok=False, output=f"A file to upload cannot be read: {error}")
    lines = [f"{n}. {step.said()}" for n, step in enumerate(journey.steps, start=1)]
    if visit.failed:
        lines = [*lines[: visit.failed], f"Step {visit.failed} could not be done. {visit.why}"]
    pictures = tuple(look.picture for look in visit.looks if look.picture)
    return Walked(not visit.failed, "\n".join([*lines, *visit.reports]), pictures)


def reader(workspace: Workspace) -> visits.ReadFile:
    """Reads the files that visitors upload."""

    async def read(path: str) -> bytes:
        entry = await workspace.look(path)
        if entry.kind != "file":
            raise ToolFailure("file_not_found", f"There is no file {path} to upload.")
        if entry.size > LARGEST_UPLOAD:
            raise ToolFailure("file_too_large", f"{path} has {entry.size:,} bytes: too many to upload.")
        return await workspace.read(path)

    return read


async def journey_at(workspace: Workspace, path: str) -> Journey:
    place = posixpath.join(FOLDER, path)
    try:
        entry = await workspace.look(place)
        if entry.kind != "file" or entry.size > LARGEST:
            raise JourneyUnreadable(f"There is no journey {place}.")
        content = await workspace.read(place)
    except (ToolFailure, NotDone, FileNotFoundError) as error:
        raise JourneyUnreadable(f"{place} cannot be read: {error}") from error
    return parsed(content, Journey, place, JourneyUnreadable)
