"""Takes a screenshot of the app as its visitors see it."""

import base64
import uuid
from urllib.parse import urljoin

from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pydantic import Field

from agents.preview import declaration, probe, screenshots
from agents.preview.screenshots import Screenshot
from agents.sandbox.workspace import Workspace
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import Replay, ToolFailure

USUAL_PORT = 8000  # until cofounder.json declares one


class TakeScreenshot(Input):
    path: str = Field(default="/", max_length=2000, description="The page's path, e.g. /orders?day=today")
    width: int = Field(default=1280, ge=1, le=4000, description="Below 500: as on a phone.")


async def run(args: TakeScreenshot, workspace: Workspace) -> Outcome:
    url = await _url(args.path, workspace)
    try:
        shot = await screenshots.take(url, width=args.width)
    except screenshots.ScreenshotUnavailable as error:
        raise ToolFailure("screenshot_unavailable", f"{error} Go on without screenshots.") from error
    except screenshots.PageDown as error:
        raise ToolFailure("preview_down", str(error)) from error
    name = f"projects/{workspace.project_id}/screenshots/{uuid.uuid4()}.webp"
    stored = await sync_to_async(default_storage.save, thread_sensitive=False)(name, ContentFile(shot.image))
    return Outcome(_text(args, shot), _label("Took", args), images=(_block(shot.image),), image=stored)


async def _url(path: str, workspace: Workspace) -> str:
    """The page's address; a `ToolFailure` when the app is not running."""
    try:
        port = (await declaration.declaration(workspace)).port
    except declaration.DeclarationError:
        port = USUAL_PORT
    base = workspace.host(port)
    url = _joined(base, path)
    if not url.startswith(base + "/"):
        raise ToolFailure("invalid_input", "Screenshots can only be taken of the app itself.")
    if (await probe.ask(url)).http_status is None:
        raise ToolFailure(
            "preview_down",
            f"Nothing answers on port {port}. Start the app with bash and background: true; it must "
            "listen on 0.0.0.0.",
        )
    return url


def _joined(base: str, path: str) -> str:
    try:
        return urljoin(base + "/", path)
    except ValueError:  # not a valid address
        return ""


def _text(args: TakeScreenshot, shot: Screenshot) -> str:
    lines = [f"{args.path} at {shot.width}x{shot.height}, titled “{shot.title}”."]
    if shot.is_blank:
        lines.append("The page is blank: nothing can be seen on it.")
    lines += shot.reports
    return "\n".join(lines)


def _block(image: bytes) -> dict[str, object]:
    data = base64.b64encode(image).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": data}}


def _label(verb: str, args: TakeScreenshot) -> str:
    where = " on a phone" if args.width < 500 else ""
    return f"{verb} a screenshot of {shorten(args.path, 60)}{where}"


TOOL = Tool(
    name="take_screenshot",
    description=(
        "Take a screenshot of a page of the running app, on the port that cofounder.json declares (8000 "
        "without that file), at laptop size, or at phone size with a width below 500. You get the image and "
        "the errors that the page's scripts reported. The browser opens nothing but the app itself: scripts, "
        "styles, fonts and images of other hosts are not loaded."
    ),
    input=TakeScreenshot,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: _label("Taking", args),
    run=run,
)
