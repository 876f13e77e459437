"""A passkey, an app and recovery codes, as a founder's browser sets them up, uses them and removes them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no stubs
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from cofounder.models import User
from intrude.people import code_of
from tests.browser.conftest import LAPTOP, LIMIT, PHONE, apart, keep, until
from tests.conftest import give_second_factor
from tests.intrude.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.services]

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
LOOKS = [(LAPTOP, "light"), (LAPTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]
Open = Callable[..., Any]


@pytest.fixture
def readable(transactional_db: None, founder: User) -> None:
    """The founder's password as the server reads it."""
    founder.password = PBKDF2PasswordHasher().encode(PASSWORD, "some-salt")
    founder.save(update_fields=["password"])


@pytest.fixture
def browse(server: str, readable: None, chromium: Any) -> Open:
    """Open a browser that nobody is signed in with. Keys need a name of a host, and no number."""

    def open_browser(**options: Any) -> Any:
        address = server.replace("127.0.0.1", "localhost")
        context = chromium.new_context(base_url=address, **{"viewport": LAPTOP, **options})
        context.set_default_timeout(LIMIT)
        return context.new_page()

    return open_browser


def plug_in(page: Any) -> Any:
    """A key in the browser's computer; the CDP session it lives in, and its id."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    return line, line.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]


def sign_in(page: Any, email: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main form.account button:not(.link)")


def prove(page: Any) -> None:
    """Enter the password again where the site asks for it."""
    if "reauthenticate" in page.url:
        page.fill("[name=password]", PASSWORD)
        page.click("main form.account button:not(.link)")
        page.wait_for_load_state()


def look(page: Any, name: str) -> list[str]:
    """What is wrong with the page in each size and theme; a picture of each is kept."""
    wrong = []
    for window, theme in LOOKS:
        page.set_viewport_size(window)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        seen = f"{name} {'phone' if window is PHONE else 'laptop'} {theme}"
        keep(page, f"factor {seen}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{seen} is wider than its window")
        wrong += [
            f"{seen}: {v['id']} at {v['nodes'][0]['target']}" for v in Axe().run(page).response["violations"]
        ]
    page.set_viewport_size(LAPTOP)
    return wrong


def test_a_passkey_is_added_signs_in_and_is_removed(founder: User, browse: Open) -> None:
    page = browse()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    line, key = plug_in(page)
    sign_in(page, founder.email)
    page.goto("/accounts/2fa/")
    wrong = look(page, "index empty")
    page.goto("/accounts/2fa/webauthn/add/")
    wrong += look(page, "asked again")
    prove(page)
    page.goto("/accounts/2fa/webauthn/")
    wrong += look(page, "keys empty")
    page.goto("/accounts/2fa/webauthn/add/")
    wrong += look(page, "key add")
    page.fill("[name=name]", "My laptop")
    page.click("#add-key")
    page.wait_for_url(re.compile("recovery-codes"))
    assert len(line.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1
    wrong += look(page, "recovery codes")
    page.goto("/accounts/2fa/webauthn/")
    assert "My laptop" in page.inner_text("main")
    wrong += look(page, "keys")
    page.goto("/accounts/2fa/")
    assert "10 left" in page.inner_text("main")
    wrong += look(page, "index with a key")

    page.goto("/accounts/logout/")
    page.click("main form button")
    sign_in(page, founder.email)
    page.wait_for_url(re.compile("/accounts/2fa/authenticate/"))
    wrong += look(page, "one more step")
    page.click("#use-key")
    page.wait_for_url(re.compile("/projects$"))

    page.goto("/accounts/2fa/webauthn/")
    page.click("text=Rename")
    prove(page)
    wrong += look(page, "key rename")
    page.fill("[name=name]", "The old laptop")
    page.click("main form.account button")
    until(page, "document.body.innerText.includes('The old laptop')")
    page.click("text=Remove")
    wrong += look(page, "key remove")
    page.click("main form.account button")
    page.wait_for_url(re.compile("/accounts/2fa/webauthn/$"))
    page.goto("/accounts/logout/")
    page.click("main form button")
    sign_in(page, founder.email)
    page.wait_for_url(re.compile("/projects$"))
    assert (wrong, complaints) == ([], [])


def test_a_key_that_the_browser_does_not_have_is_told_in_words(founder: User, browse: Open) -> None:
    page = browse()
    line, key = plug_in(page)
    sign_in(page, founder.email)
    page.goto("/accounts/2fa/webauthn/add/")
    prove(page)
    page.goto("/accounts/2fa/webauthn/add/")
    page.context.new_cdp_session(page)
    line.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": key})
    refuse = "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    page.evaluate(f"() => {{ navigator.credentials.create = () => {refuse}; }}")
    page.fill("[name=name]", "My laptop")
    page.click("#add-key")
    page.wait_for_selector("main [role=alert]")
    said = page.inner_text("main [role=alert]")
    assert "Try again" in said
    assert look(page, "key error") == []


def test_an_app_is_set_up_asked_for_and_removed(founder: User, browse: Open) -> None:
    page = browse()
    sign_in(page, founder.email)
    page.goto("/accounts/2fa/totp/activate/")
    prove(page)
    wrong = look(page, "app set up")
    seed = page.inner_text(".seed")
    page.fill("[name=code]", "000000")
    page.click("main form.account button")
    wrong += look(page, "app wrong code")
    page.fill("[name=code]", code_of(seed))
    page.click("main form.account button")
    page.wait_for_url(re.compile("recovery-codes"))
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    page.goto("/accounts/2fa/")
    wrong += look(page, "index with an app")

    page.goto("/accounts/logout/")
    page.click("main form button")
    sign_in(page, founder.email)
    page.wait_for_url(re.compile("/accounts/2fa/authenticate/"))
    page.fill("[name=code]", "000000")
    page.click("main form.account button:not(.secondary)")
    wrong += look(page, "one more step wrong code")
    page.fill("[name=code]", codes[0])
    page.click("main form.account button:not(.secondary)")
    page.wait_for_url(re.compile("/projects$"))
    page.goto("/accounts/2fa/recovery-codes/")
    assert codes[0] not in page.inner_text("main")
    page.goto("/accounts/2fa/recovery-codes/generate/")
    prove(page)
    wrong += look(page, "new codes")
    page.goto("/accounts/2fa/totp/deactivate/")
    wrong += look(page, "app remove")
    page.click("main form.account button")
    page.wait_for_url(re.compile("/accounts/2fa/$"))
    assert wrong == []


def test_staff_are_led_to_set_one_up_before_the_admin(browse: Open, founder: User) -> None:
    def promote() -> None:
        User.objects.filter(pk=founder.pk).update(is_staff=True, is_superuser=True)

    apart(promote)
    page = browse()
    sign_in(page, founder.email)
    page.goto("/admin/")
    assert page.url.endswith("/accounts/2fa/")
    assert "needs a second factor" in page.inner_text("body")
    assert look(page, "staff are led here") == []
    seed = apart(give_second_factor, founder)
    assert seed
    page.goto("/admin/")
    assert page.url.endswith("/admin/")
