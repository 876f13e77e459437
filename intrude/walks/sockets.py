"""Live updates of the victim's build: its own pages alone may listen."""

from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from intrude.scene import Scene

KIND = "sockets"
SECONDS = 10


def walk(scene: Scene) -> None:
    url, job = scene.site.url, scene.things.ids["job_id"]
    own = scene.victim.cookies["sessionid"]
    for role in scene.roles:
        heard = _listen(url, job, role.cookies.get("sessionid", ""), url)
        scene.report.expect(KIND, not heard, f"A socket tells {role.name} of the victim's build: {heard}")
    for origin in ("https://evil.example", "null", f"{url}.evil.example", f"{url.rsplit(':', 1)[0]}:1", None):
        heard = _listen(url, job, own, origin)
        scene.report.expect(KIND, not heard, f"A socket opens for a page of {origin}: {heard}")
    for place in ("x", "../jobs", "%00", f"{job}?after=-1", f"{job}?after=x", f"{job}?after={'9' * 400}"):
        heard = _listen(url, place, scene.stranger.cookies.get("sessionid", ""), url)
        scene.report.expect(KIND, not heard, f"A socket opens for {place}: {heard}")


def _listen(url: str, job: str, session: str, origin: str | None) -> str:
    """The first thing that is heard; nothing if it is refused or closed before."""
    named: dict[str, Any] = {"origin": origin} if origin else {}
    place, _, query = job.partition("?")
    address = f"{url.replace('http', 'ws', 1)}/ws/jobs/{place}/?{query}"
    headers = {"Cookie": f"sessionid={session}"} if session else {}
    try:
        with connect(address, additional_headers=headers, open_timeout=SECONDS, **named) as socket:
            return str(socket.recv(timeout=SECONDS))[:100]
    except (ConnectionClosed, InvalidStatus, TimeoutError, EOFError, OSError):
        return ""
