"""Ways to lead a founder to another site: `next`, host names, and the links in mails."""

from typing import Any
from urllib.parse import quote, urlsplit

from intrude.scene import Scene

NEXT, HOST = "redirects to another site", "host names"
EVIL = "evil.example"
SPELLINGS = [
    *(
        f"//{EVIL}",
        f"///{EVIL}",
        f"https://{EVIL}",
        f"http:{EVIL}",
        f"https:/{EVIL}",
        f"\\\\{EVIL}",
        f"/\\{EVIL}",
    ),
    *(f"/\t/{EVIL}", f"\t//{EVIL}", f"https://{EVIL}%2f@localhost", f"//localhost@{EVIL}", f"///\\{EVIL}"),
    *(
        f"/%09/{EVIL}",
        f"/%5c{EVIL}",
        "javascript:alert(1)",
        "data:text/html,x",
        f"https:\n//{EVIL}",
        f"/..//{EVIL}",
    ),
]
HOSTS = [
    *(
        EVIL,
        f"{EVIL}:8000",
        "localhost.evil.example",
        f"localhost@{EVIL}",
        "localhost:8000:9",
        "local\thost",
        "[::1",
    ),
    *("169.254.169.254", "0", "*", "localhost,evil.example", "%6cocalhost"),
]


def walk(scene: Scene) -> None:
    nobody, inside = scene.nobody, scene.stranger
    for spelling in SPELLINGS:
        word = quote(spelling, safe="")
        for visitor, method, path in (
            (inside, "GET", "/accounts/login/"),
            (inside, "GET", "/accounts/signup/"),
            (nobody, "GET", "/admin/login/"),
            (nobody, "POST", "/accounts/logout/"),
        ):
            body: dict[str, Any] = {"data": {"next": spelling}} if method == "POST" else {}
            answer = visitor.ask(method, f"{path}?next={word}", **body)
            place = answer.headers.get("location", "")
            scene.report.expect(
                NEXT,
                not leads_away(place, scene.site.host),
                f"{method} {path} with next={spelling!r} redirects to {place!r}.",
                answer.status_code,
            )
    signed = scene.stranger.post(f"/accounts/login/?next=//{EVIL}", {})
    scene.report.expect(
        NEXT, not leads_away(signed.headers.get("location", ""), scene.site.host), "Signing in leads away."
    )
    _hosts(scene)
    _links_in_mails(scene)


def leads_away(place: str, host: str) -> bool:
    """As a browser reads it: tabs and line breaks are dropped, and a backslash is a slash."""
    read = "".join(letter for letter in place if letter not in "\t\r\n").replace("\\", "/")
    parts = urlsplit(read)
    return (
        parts.scheme not in ("", "http", "https")
        or parts.netloc not in ("", host)
        or read.startswith("//" if not parts.netloc else "///")
    )


def _hosts(scene: Scene) -> None:
    for host in HOSTS:
        answer = scene.nobody.get("/", headers={"Host": host})
        refused = answer.status_code in (400, 301, 302) and EVIL not in answer.headers.get("location", "")
        scene.report.expect(
            HOST, refused and EVIL not in answer.text, f"The site answers to the host name {host!r}."
        )
    for header in (
        "X-Forwarded-Host",
        "X-Host",
        "X-Original-Host",
        "Forwarded",
        "X-Original-URL",
        "X-Rewrite-URL",
    ):
        value = f"host={EVIL}" if header == "Forwarded" else f"https://{EVIL}/admin/"
        answer = scene.nobody.get("/accounts/login/", headers={header: value})
        told = answer.text + str(answer.headers)
        scene.report.expect(
            HOST, EVIL not in told, f"A host name in the header {header} stands in the answer."
        )


def _links_in_mails(scene: Scene) -> None:
    """A reset link, asked for under another name of this site, leads to the address the operator has set."""
    if not scene.people.mails.folder:
        scene.report.note("Links in mails: the install's mails cannot be read from here.")
        return
    port = urlsplit(scene.site.url).port
    for name in ("127.0.0.1", "localhost", "[::1]"):
        asked = f"{name}:{port}" if port else name
        headers = {"Host": asked, "Origin": f"http://{asked}", "Referer": f"http://{asked}/"}
        scene.nobody.post("/accounts/password/reset/", {"email": scene.stranger.email}, headers=headers)
    links = scene.people.mails.links_to(scene.stranger.email, "/password/reset/key/")
    hosts = {urlsplit(link).netloc for link in links}
    if not links:
        scene.report.note("Links in mails: no mail with a reset link came.")
    scene.report.expect(
        HOST, len(hosts) <= 1, f"Links in mails follow the asker's host name: {sorted(hosts)}."
    )
