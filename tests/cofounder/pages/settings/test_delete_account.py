"""Deleting an account on the page."""

from django.test import Client

from cofounder.models import User
from jobs.models import Job


def test_the_settings_offer_everything_and_the_way_out(browser: Client, founder: User) -> None:
    page = browser.get("/settings").text
    assert '<a class="button secondary" href="/api/account/export"' in page
    assert 'action="/settings/delete"' in page


def test_typing_the_address_deletes_the_account_and_signs_out(
    browser: Client, founder: User, job: Job
) -> None:
    answer = browser.post("/settings/delete", {"confirm": founder.email}, follow=True)
    assert "Your account is deleted" in answer.text
    assert not User.objects.filter(pk=founder.pk).exists()
    assert browser.get("/settings").status_code == 302


def test_a_mistyped_address_deletes_nothing_and_says_why(browser: Client, founder: User) -> None:
    answer = browser.post("/settings/delete", {"confirm": "somebody"}, follow=True)
    assert "Type the e-mail address" in answer.text
    assert User.objects.filter(pk=founder.pk).exists()


def test_looking_at_it_deletes_nothing(browser: Client) -> None:
    assert browser.get("/settings/delete").status_code == 405
