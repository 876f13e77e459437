"""Every place where a password or a code is asked for counts the wrong ones, and all count together."""

import base64
import re
import time
from collections.abc import Callable

from intrude.people import MINUTE, code_of
from intrude.scene import Scene
from intrude.site import Visitor

KIND = "guessing passwords and codes"
TRIES = 6  # one more than an account may have; ten are counted of one address
Door = Callable[[Visitor, str], bool]


def by_form(visitor: Visitor, password: str) -> bool:
    other = Visitor(visitor.name, visitor.site, email=visitor.email)
    other.sign_in(password)
    return "sessionid" in other.cookies and other.is_in


def by_token(visitor: Visitor, password: str) -> bool:
    words = base64.b64encode(f"{visitor.email}:{password}".encode()).decode()
    nobody = Visitor("nobody", visitor.site)
    return nobody.post("/api/auth/tokens", headers={"Authorization": f"Basic {words}"}).status_code == 201


def by_asking_again(visitor: Visitor, password: str) -> bool:
    answer = visitor.post("/accounts/reauthenticate/", {"password": password})
    return answer.status_code == 302 and "login" not in answer.headers["location"]


DOORS: dict[str, Door] = {"sign-in page": by_form, "token address": by_token, "asking again": by_asking_again}


def walk(scene: Scene) -> None:
    _same_words(scene)
    _codes(scene)
    guarded = {name: scene.people.founder(f"door{number}") for number, name in enumerate(DOORS)}
    for name, door in DOORS.items():
        if not scene.is_quick:
            time.sleep(MINUTE)  # the failures of one address are forgotten, those of an account are not
        someone = guarded[name]
        for number in range(TRIES):
            scene.report.expect(
                KIND, not door(someone, f"wrong {number}"), f"The {name} takes a wrong password."
            )
        for other, through in DOORS.items():
            scene.report.expect(
                KIND,
                not through(someone, someone.password),
                f"After {TRIES} wrong passwords at the {name}, the {other} still takes the right one.",
            )
    if scene.is_quick:
        scene.report.note(
            "Each door's own counter: from one address, that of the address refuses first (not --quick)."
        )


def _same_words(scene: Scene) -> None:
    """Neither page tells whether an address has an account."""
    for path, word, more in (
        ("/accounts/login/", "login", {"password": "not this one"}),
        ("/accounts/password/reset/", "email", {}),
    ):
        answers = [
            scene.nobody.post(path, {word: email, **more})
            for email in (scene.victim.email, "nobody@example.com")
        ]
        told = {(a.status_code, re.sub(r'value="[^"]*"', "", a.text)) for a in answers}
        scene.report.expect(KIND, len(told) == 1, f"{path} tells whether an address has an account.")


def _with_app(visitor: Visitor) -> str:
    """Set up an authenticator app; its seed."""
    page = visitor.get("/accounts/2fa/totp/activate/")
    if "location" in page.headers:
        visitor.keep_session(visitor.post(page.headers["location"], {"password": visitor.password}))
        page = visitor.get("/accounts/2fa/totp/activate/")
    found = re.search(r'class="seed">(\w+)<', page.text)
    seed = found[1] if found else ""
    visitor.keep_session(
        visitor.post("/accounts/2fa/totp/activate/", {"code": code_of(seed)}) if seed else page
    )
    return seed


def _codes(scene: Scene) -> None:
    someone = scene.people.founder("coded")
    seed = _with_app(someone)
    if not seed:
        scene.report.note("Codes of an app: none could be set up, perhaps as the address is not confirmed.")
        return
    guesser = Visitor("guesser", scene.site, email=someone.email, password=someone.password)
    if "/2fa/authenticate/" not in guesser.sign_in().headers.get("location", ""):
        scene.report.note(
            "Codes of an app: sign-ins were refused by now, so the door behind was not reached."
        )
        return
    scene.report.expect(KIND, not guesser.is_in, "A password alone is enough where there is a second factor.")
    for number in (*range(TRIES), None):
        code = f"{number:06}" if number is not None else code_of(seed)
        guesser.keep_session(guesser.post("/accounts/2fa/authenticate/", {"code": code}))
        scene.report.expect(KIND, not guesser.is_in, f"After {TRIES} wrong codes, a code is still taken.")
