"""The address of a page of the app, as the tools that look at it need it."""

from urllib.parse import urljoin

from agents.preview import declaration, probe
from agents.sandbox.workspace import Workspace
from agents.turns import ToolFailure

USUAL_PORT = 8000  # until cofounder.json declares one


async def app_address(workspace: Workspace) -> str:
    """The app's own address; a `ToolFailure` when nothing answers there."""
    try:
        port = (await declaration.declaration(workspace)).port
    except declaration.DeclarationError:
        port = USUAL_PORT
    base = workspace.host(port)
    if (await probe.ask(base)).http_status is None:
        raise ToolFailure(
            "preview_down",
            f"Nothing answers on port {port}. Start the app with bash and background; it must listen on "
            "0.0.0.0.",
        )
    return base


def page_address(base: str, path: str) -> str:
    """The address of a page; a `ToolFailure` when it is not one of the app."""
    try:
        url = urljoin(base + "/", path)
    except ValueError:  # not a valid address
        url = ""
    if not url.startswith(base + "/"):
        raise ToolFailure("invalid_input", f"{path} is not a page of the app.")
    return url
