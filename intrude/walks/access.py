"""Every address, as everybody but its owner, with every method and the victim's own ids."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx

from intrude.people import state_of
from intrude.routes import ANY_STAFF, EVERY_METHOD, LEAVING, SELDOM, Route, Who
from intrude.scene import Scene
from intrude.site import Unreachable, Visitor, ends_at_sign_in

KIND = "addresses, roles and methods"
CHANGED = "the victim's things afterwards"
REFUSALS = {401, 403, 404, 405, 406, 410, 415, 429}
SIDE_BY_SIDE = 4


def walk(scene: Scene) -> None:
    before = state_of(scene.victim, scene.things)
    signed_in = [role for role in scene.roles if role.is_in]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda each: _try(scene, *each), _combinations(scene)))
    for role in signed_in:
        if not role.is_in:
            scene.report.note(f"{role.name} was signed out on the way; what came later was tried by nobody.")
    after = state_of(scene.victim, scene.things)
    for place, kept in before.items():
        scene.report.expect(
            CHANGED,
            after[place] == kept,
            f"{place} of the victim was {kept} and is {after[place]} after the walk.",
        )


def _combinations(scene: Scene) -> Iterator[tuple[Visitor, Route, str]]:
    for route in scene.routes:
        for role in scene.roles:
            for method in _methods(scene, route, role):
                yield role, route, method


def _methods(scene: Scene, route: Route, role: Visitor) -> tuple[str, ...]:
    if route.pattern in LEAVING:
        return ("GET", "HEAD", "OPTIONS")
    if route.pattern in SELDOM:
        return ("GET", "POST")
    if not scene.is_quick:
        return EVERY_METHOD
    is_library = route.pattern.startswith(("admin/", "accounts/"))
    if is_library:
        return ("GET", "POST") if role.may_enter_admin else ("GET",)
    return tuple(method for method in EVERY_METHOD if method != "OPTIONS")


def _try(scene: Scene, role: Visitor, route: Route, method: str) -> None:
    ids = _fitting(scene, route)
    try:
        answer = role.ask(method, route.path(ids), **_body(route, method))
    except Unreachable as error:
        scene.report.expect(KIND, scene.nobody.get("/healthz").status_code != 200, f"{error}")
        return
    said = f"{method} {route.path(ids)} as {role.name} answered {answer.status_code}"
    report = scene.report
    report.attempt(KIND, answer.status_code)
    if answer.status_code >= 500 and answer.status_code != 503:
        report.found(KIND, f"{said}.")
    if not _is_allowed(role, route, method, answer):
        report.found(KIND, f"{said}; it is for {route.who}.")
    for name, canary in {**scene.things.canaries, **scene.things.secrets}.items():
        if (
            canary in answer.text
            and canary not in route.path(ids)
            and not (role.link and route.who is Who.SHARED)
        ):
            report.found(KIND, f"{said} and shows {name}.")
    telling = ("GET", "POST") if scene.is_quick else ("GET", "POST", "PUT", "PATCH", "DELETE")
    if route.who is Who.OWNER and role.is_founder and method in telling:
        _compare(scene, role, route, method, answer)


def _compare(scene: Scene, role: Visitor, route: Route, method: str, answer: httpx.Response) -> None:
    """Whether somebody could learn from the status that an id exists."""
    made_up = {
        **scene.things.ids,
        **dict.fromkeys(route.parameters, str(uuid4())),
        "name": "N",
        "verb": "stop",
    }
    other = role.ask(method, route.path(made_up), **_body(route, method))
    scene.report.attempt(KIND, other.status_code)
    if other.status_code != answer.status_code and 429 not in (other.status_code, answer.status_code):
        scene.report.found(
            KIND,
            f"{method} /{route.pattern} as {role.name} answers {answer.status_code} to an id of the victim's "
            f"and {other.status_code} to a made-up one: it tells which exist.",
        )


def _is_allowed(role: Visitor, route: Route, method: str, answer: httpx.Response) -> bool:
    if answer.status_code in REFUSALS or ends_at_sign_in(answer):
        return True
    if method == "OPTIONS" and role.is_founder and route.who in (Who.OWNER, Who.FOUNDERS):
        return answer.status_code == 200  # which methods there are, the same for every id
    if role.link and route.who is Who.SHARED:
        return answer.status_code in (200, 302)
    if route.who is Who.ANYBODY:
        return answer.status_code < 500 or answer.status_code == 503
    if route.who is Who.FOUNDERS:
        return role.is_founder and answer.status_code < 500
    if route.who is Who.STAFF:
        says_little = method == "OPTIONS" or answer.status_code in (301, 302)
        opens = role.may_enter_admin and (route.pattern in ANY_STAFF or says_little)
        return bool(opens) or route.pattern in ("admin/jsi18n/", "admin/login/", "admin/logout/")
    return False


def _fitting(scene: Scene, route: Route) -> dict[str, str]:
    ids = dict(scene.things.ids)
    if "admin/jobs/" in route.pattern or "admin/escalations/" in route.pattern:
        ids["object_id"] = ids["job_id" if "jobs/" in route.pattern else "escalation_id"]
    if "notifications/" in route.pattern:
        ids["verb"] = "remove"
    return ids


def _body(route: Route, method: str) -> dict[str, Any]:
    if method in ("GET", "HEAD", "OPTIONS"):
        return {}
    if route.pattern.startswith("api/"):
        return {
            "json": {"value": "taken over", "name": "taken over", "text": "taken over", "decision": "skip"}
        }
    return {
        "data": {"text": "taken over", "days": "7", "decision": "skip", "name": "STRIPE_KEY", "confirm": "x"}
    }
