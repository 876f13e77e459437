"""Takes a screenshot of the app as its visitors see it."""

from pydantic import Field

from agents.preview import browser, screenshots
from agents.preview.screenshots import NARROW, Screenshot
from agents.sandbox.workspace import Workspace
from agents.tools.app_address import app_address, page_address
from agents.tools.pictures import image_block, stored
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import Replay, ToolFailure


class TakeScreenshot(Input):
    path: str = Field(default="/", max_length=2000, description="The page's path, e.g. /orders?day=today")
    width: int = Field(
        default=1280, ge=280, le=1920, description="In pixels; below 500 the page is shown as on a phone."
    )
    full_page: bool = Field(
        default=False, description="The whole page from top to bottom, not only what is seen first."
    )


async def run(args: TakeScreenshot, workspace: Workspace) -> Outcome:
    url = page_address(await app_address(workspace), args.path)
    try:
        shot = await screenshots.take(url, width=args.width, full_page=args.full_page)
    except browser.BrowserUnavailable as error:
        raise ToolFailure("screenshot_unavailable", f"{error} Go on without screenshots.") from error
    except browser.PageDown as error:
        raise ToolFailure("preview_down", str(error)) from error
    blocks = tuple(image_block(piece) for piece in shot.pieces)
    name = await stored(workspace, shot.image)
    return Outcome(_text(args, shot), _label("Took", args), images=blocks, image=name)


def _text(args: TakeScreenshot, shot: Screenshot) -> str:
    lines = [f"{args.path} at {shot.width}x{shot.height}, titled “{shot.title}”."]
    if len(shot.pieces) > 1:
        shown = screenshots.piece_height(shot.width) * len(shot.pieces)
        rest = f"; what is below {shown} pixels is left out" if shown < shot.height else ""
        lines.append(f"In {len(shot.pieces)} pictures, from the top down{rest}.")
    if shot.is_blank:
        lines.append("The page is blank: nothing can be seen on it.")
    lines += shot.reports
    return "\n".join(lines)


def _label(verb: str, args: TakeScreenshot) -> str:
    what = "a picture of all of" if args.full_page else "a screenshot of"
    where = " on a phone" if args.width < NARROW else ""
    return f"{verb} {what} {shorten(args.path, 60)}{where}"


TOOL = Tool(
    name="take_screenshot",
    description=(
        "Take a screenshot of a page of the running app, on the port that cofounder.json declares (8000 "
        "without that file), at the given width; with full_page you get all of a long page, in several "
        "pictures. The errors that the page's scripts reported come with it. The browser opens nothing but "
        "the app itself: scripts, styles, fonts and images of other hosts are not loaded."
    ),
    input=TakeScreenshot,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: _label("Taking", args),
    run=run,
)
