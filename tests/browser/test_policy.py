"""Every page works under its own Content-Security-Policy: a real Chromium reports no violation."""

from typing import Any

import pytest
from django.test import Client

from cofounder.models import User
from escalations.models import AgentEscalation

INJECTED = """() => {
  document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 1">');
  document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}));
}"""
pytestmark = [pytest.mark.browser, pytest.mark.services]


def complaints(page: Any, addresses: list[str]) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Policy" in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for address in addresses:
        page.goto(address, wait_until="networkidle" if address == "/api/docs" else "load")
    return said


def test_nothing_is_blocked_on_the_founder_s_pages(question: AgentEscalation, page: Any) -> None:
    build = f"/builds/{question.job_id}"
    addresses = [
        "/projects",
        "/projects/new",
        build,
        "/questions",
        "/settings",
        "/accounts/email/",
        "/api/docs",
    ]
    assert complaints(page, [*addresses, "/api/docs"]) == []
    assert page.locator("#swagger-ui .opblock").count() > 20  # the last page shown still works
    page.goto(build)
    page.wait_for_selector("#entries > li")


@pytest.fixture
def admin_cookie(admin: User) -> str:
    client = Client()
    client.force_login(admin)
    return client.cookies["sessionid"].value


def test_nothing_is_blocked_in_the_admin(
    admin: User, admin_cookie: str, question: AgentEscalation, server: str, chromium: Any
) -> None:
    context = chromium.new_context(base_url=server)
    context.add_cookies([{"name": "sessionid", "value": admin_cookie, "url": server}])
    listed = [
        "/admin/",
        "/admin/cofounder/user/",
        f"/admin/cofounder/user/{admin.pk}/change/",
        "/admin/ledger/",
    ]
    listed += [
        "/admin/jobs/job/",
        "/admin/agents/agentsession/",
        f"/admin/jobs/job/{question.job_id}/change/",
    ]
    assert complaints(context.new_page(), listed) == []


def test_a_script_that_got_into_a_page_does_not_run(question: AgentEscalation, page: Any) -> None:
    page.goto("/projects")
    page.evaluate(INJECTED)
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
