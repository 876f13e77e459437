"""Cookies, security headers, and what ends a sign-in."""

from intrude.scene import Scene
from intrude.site import CSRF, Visitor

COOKIES, HEADERS, ENDS = "flags of cookies", "security headers", "what ends a sign-in"
PAGES = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/projects",
    "/settings",
    "/questions",
    "/api/docs",
    "/nothing",
]


def walk(scene: Scene) -> None:
    _flags(scene)
    _headers(scene)
    _ends(scene)


def _flags(scene: Scene) -> None:
    someone = scene.people.founder("cookies")
    answers = [scene.nobody.ask("GET", "/accounts/login/", forged=True), someone.sign_in()]
    lines = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    secure = scene.site.url.startswith("https://")
    for line in lines:
        name, flags = line.split("=")[0], line.lower()
        wanted = ["samesite=", "path=/"] + (["secure"] if secure else [])
        wanted += ["httponly"] if name == "sessionid" else []
        for flag in wanted:
            scene.report.expect(
                COOKIES, flag in flags, f"The cookie {name} is set without {flag.strip('=')}."
            )
        scene.report.expect(COOKIES, "domain=" not in flags, f"The cookie {name} is for other hosts, too.")


def _headers(scene: Scene) -> None:
    for path in PAGES:
        answer = scene.victim.get(path)
        sent, policy = answer.headers, answer.headers.get("content-security-policy", "")
        checks = {
            "has no Content-Security-Policy with default-src 'none'": "default-src 'none'" in policy,
            "may be framed": "frame-ancestors 'none'" in policy and sent.get("x-frame-options") == "DENY",
            "allows scripts in the page": not any(
                word in policy for word in ("unsafe-inline", "unsafe-eval")
            ),
            "lets the browser guess its type": sent.get("x-content-type-options") == "nosniff",
            "tells other sites where a founder came from": sent.get("referrer-policy", "")
            in ("same-origin", "no-referrer"),
            "shares its window with other sites": sent.get("cross-origin-opener-policy") == "same-origin",
            "may be kept by shared caches": "public" not in sent.get("cache-control", ""),
            "lets other sites read it": "access-control-allow-origin" not in sent,
        }
        if scene.site.url.startswith("https://"):
            checks["may be opened without TLS"] = "strict-transport-security" in sent
        for what, is_so in checks.items():
            scene.report.expect(HEADERS, is_so, f"{path} {what}.")


def _ends(scene: Scene) -> None:
    someone, report = scene.people.founder("leaver"), scene.report
    planted = "a" * 32
    someone.cookies["sessionid"] = planted
    answer = someone.post("/accounts/login/", {"login": someone.email, "password": someone.password})
    someone.keep_session(answer)
    report.expect(
        ENDS, someone.cookies["sessionid"] != planted, "Signing in takes over a session id chosen before."
    )

    token = Visitor("token", scene.site, token=someone.post("/api/auth/tokens").json()["token"])
    report.expect(ENDS, token.is_in, "A new token does not work.")
    elsewhere = Visitor("elsewhere", scene.site, email=someone.email, password=someone.password)
    elsewhere.sign_in()
    changed = someone.password + "-changed"
    words = {"oldpassword": someone.password, "password1": changed, "password2": changed}
    someone.keep_session(someone.post("/accounts/password/change/", words))
    someone.password = changed
    report.expect(ENDS, not token.is_in, "A token outlives a new password.")
    report.expect(ENDS, not elsewhere.is_in, "A session in another browser outlives a new password.")

    someone.sign_in()
    old = Visitor("old", scene.site, cookies=dict(someone.cookies))
    someone.post("/accounts/logout/")
    report.expect(ENDS, not old.is_in, "A session outlives signing out.")
    _reset(scene, someone)


def _reset(scene: Scene, someone: Visitor) -> None:
    """A reset link works once, and ends the sessions."""
    if not scene.people.mails.folder:
        return
    someone.sign_in()
    before = Visitor("before", scene.site, cookies=dict(someone.cookies))
    scene.nobody.post("/accounts/password/reset/", {"email": someone.email})
    links = scene.people.mails.links_to(someone.email, "/password/reset/key/")
    if not links:
        scene.report.note("Reset links: no mail with one came.")
        return
    path = "/" + links[-1].split("/", 3)[3]
    scene.things.secrets["a reset link"] = path.rstrip("/").rsplit("-", 1)[-1]
    reader = Visitor("reader", scene.site)
    opened = reader.get(path)
    reader.keep_session(opened)
    new = someone.password + "-reset"
    form = opened.headers.get("location", path)
    reader.post(form, {"password1": new, "password2": new})
    someone.password = new
    scene.report.expect(
        ENDS, someone.sign_in().status_code == 302 and someone.is_in, "A reset link sets no password."
    )
    scene.report.expect(ENDS, not before.is_in, "A session outlives a password that was reset.")
    again = Visitor("again", scene.site)
    second = again.get(path)
    again.keep_session(second)
    page = again.get(second.headers["location"]) if "location" in second.headers else second
    scene.report.expect(ENDS, 'name="password1"' not in page.text and CSRF, "A reset link works twice.")
