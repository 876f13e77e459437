"""Requests that another site's page could make the victim's browser send."""

from typing import Any

from intrude.people import state_of
from intrude.scene import Scene
from intrude.site import CSRF

KIND = "forged requests of another site"
OTHER = "x" * 32


def walk(scene: Scene) -> None:
    victim, ids = scene.victim, scene.things.ids
    before = state_of(victim, scene.things)
    for method, path, body in _changes(ids):
        for spelling, asked_by, sent in _spellings(scene):
            answer = victim.ask(asked_by or method, path, forged=True, headers=sent, **body)
            refused = answer.status_code in (401, 403) or asked_by == "GET"  # which may show a form
            scene.report.expect(
                KIND,
                refused,
                f"{method} {path} with {spelling} was answered {answer.status_code}, not refused.",
                answer.status_code,
            )
    scene.report.expect(KIND, victim.is_in, "A forged request signed the victim out.")
    after = state_of(victim, scene.things)
    scene.report.expect(KIND, before == after, f"A forged request changed the victim's things: {after}.")


def _changes(ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Where the most is to be had, by form and by API."""
    return [
        ("POST", "/settings/delete", {"data": {"confirm": "x"}}),
        ("POST", "/settings/nights", {"data": {"auto_wake": "on"}}),
        ("POST", "/settings/tokens", {"data": {}}),
        ("POST", "/settings/tokens/revoke", {"data": {}}),
        ("POST", "/settings/notifications/webhook", {"data": {"url": "https://evil.example/"}}),
        ("POST", "/money/today", {"data": {"amount": "1"}}),
        ("POST", f"/projects/{ids['project_id']}/links/new", {"data": {"days": "365"}}),
        ("POST", f"/projects/{ids['project_id']}/keys/remove", {"data": {"name": "STRIPE_KEY"}}),
        ("POST", f"/builds/{ids['job_id']}/stop", {"data": {}}),
        ("POST", "/accounts/logout/", {"data": {}}),
        ("POST", "/accounts/email/", {"data": {"email": "evil@example.com", "action_add": ""}}),
        ("POST", "/accounts/password/change/", {"data": {"password1": OTHER, "password2": OTHER}}),
        ("POST", "/api/auth/tokens", {"json": {}}),
        ("DELETE", f"/api/projects/{ids['project_id']}", {}),
        ("PUT", f"/api/projects/{ids['project_id']}/secrets/STRIPE_KEY", {"json": {"value": "y"}}),
        ("POST", f"/api/jobs/{ids['job_id']}/cancel", {"json": {}}),
        ("POST", "/api/account/delete", {"json": {"confirm": "x"}}),
    ]


def _spellings(scene: Scene) -> list[tuple[str, str, dict[str, str]]]:
    """Name, method where it is another one, and what is sent besides the victim's session."""
    site, victim = scene.site, scene.victim
    right = {"Cookie": f"sessionid={victim.cookies['sessionid']}; csrftoken={CSRF}", "X-CSRFToken": CSRF}
    scheme, host = site.url.split("://")
    return [
        ("no token", "", {}),
        ("a token and no cookie of it", "", {"X-CSRFToken": CSRF}),
        ("the cookie alone", "", {"Cookie": right["Cookie"]}),
        ("another token than the cookie's", "", {**right, "X-CSRFToken": OTHER}),
        ("an empty token", "", {**right, "X-CSRFToken": ""}),
        ("a token that is too short", "", {**right, "X-CSRFToken": CSRF[:-1]}),
        *(
            (f"the Origin {origin}", "", {**right, "Origin": origin})
            for origin in (
                "https://evil.example",
                "null",
                f"{scheme}://{host}.evil.example",
                f"{scheme}://evil.example#{host}",
                f"{scheme}://user@{host}",
                f"{scheme}://{host.split(':')[0]}:1",
                f"{'http' if scheme == 'https' else 'https'}://{host}",
            )
        ),
        ("a GET in its place", "GET", right),
        ("a GET with a method override", "GET", {**right, "X-HTTP-Method-Override": "POST"}),
    ]
