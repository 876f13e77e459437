"""The way into the admin."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.test import Client

from agents.actions import money
from agents.models import BudgetChange, Subscription
from cofounder.models import User
from tests.conftest import give_second_factor

PASSWORD = "correct horse battery"


@pytest.fixture
def operator(tiers: None) -> User:
    """Staff who may change money, by permission."""
    user = User.objects.create_user("operator@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=("add_budgetchange", "view_budgetchange", "change_subscription", "view_subscription")
        )
    )
    give_second_factor(user)
    Subscription.objects.create(user=user, tier_id="bootstrapper", renews_on="2100-01-01")
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_it_takes_no_password_of_its_own(admin: User, client: Client) -> None:
    answer = client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert "sessionid" not in client.cookies
    guesses = {"username": "founder@example.com", "password": "wrong"}
    assert signed_in(admin).post("/admin/login/", guesses).headers["Location"] == "/admin/"


def test_wrong_passwords_of_staff_are_counted(admin: User, client: Client) -> None:
    for _ in range(5):
        client.post("/accounts/login/?next=/admin/", {"login": admin.email, "password": "wrong"})
    page = client.post("/accounts/login/?next=/admin/", {"login": admin.email, "password": PASSWORD})
    assert "Too many failed" in page.text


def test_staff_without_a_second_factor_are_led_to_it(admin: User) -> None:
    Authenticator.objects.all().delete()
    answer = signed_in(admin).get("/admin/jobs/job/", follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/2fa/"
    assert "The admin needs a second factor" in answer.text


def test_a_founder_is_refused(founder: User) -> None:
    assert signed_in(founder).get("/admin/login/?next=/admin/").status_code == 403


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/"])
def test_it_leads_nowhere_else(admin: User, next_page: str) -> None:
    answer = signed_in(admin).get("/admin/login/", {"next": next_page})
    assert answer.headers["Location"] == "/admin/"


def test_the_password_is_changed_where_guesses_are_counted(admin: User) -> None:
    answer = signed_in(admin).get("/admin/password_change/")
    assert answer.headers["Location"] == "/accounts/password/change/"


def test_staff_give_money_by_permission_and_never_to_themselves(operator: User, founder: User) -> None:
    client = signed_in(operator)
    given = {"kind": "top_up", "amount_microdollars": "5000", "reason": ""}
    own = client.post("/admin/agents/budgetchange/add/", {**given, "user": operator.pk})
    assert (own.status_code, "nobody to their own account" in own.text) == (200, True)
    assert client.post("/admin/agents/budgetchange/add/", {**given, "user": founder.pk}).status_code == 302
    assert [change.user for change in BudgetChange.objects.all()] == [founder]
    assert client.post(f"/admin/agents/subscription/{operator.pk}/change/", {}).status_code == 403


@pytest.mark.parametrize("change", [money.top_up, money.override])
def test_without_the_permission_staff_change_nobody_s_money(
    founder: User, tiers: None, change: object
) -> None:
    support = User.objects.create_user("support@example.com", is_staff=True)
    Group.objects.get_or_create(name="support")[0].user_set.add(support)
    with pytest.raises(money.NotAllowed):
        change(founder, 5_000_000, by=support)  # type: ignore[operator]
    with pytest.raises(money.NotAllowed):
        money.set_today(founder, 5_000_000, support)
    assert not BudgetChange.objects.exists()


def test_who_may_change_users_gives_nobody_more_power(admin: User, founder: User) -> None:
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=("change_user", "view_user")))
    give_second_factor(clerk)
    client = signed_in(clerk)
    powers = {"email": clerk.email, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    client.post(f"/admin/cofounder/user/{clerk.pk}/change/", powers)
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert client.post(f"/admin/cofounder/user/{admin.pk}/password/", {}).status_code == 403


def test_no_address_of_the_admin_leads_on_by_any_kind_and_id(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert client.get(f"/admin/r/1/{admin.pk}/").status_code == 404
    assert client.get(f"/admin/cofounder/user/{admin.pk}/change/").status_code == 200


def test_the_menu_leads_to_the_admin_by_permission(client: Client, operator: User, founder: User) -> None:
    founder.is_staff = True  # and has no right to anything there
    founder.save(update_fields=["is_staff"])
    shown = []
    for user in (operator, founder):
        client.force_login(user)
        shown.append('href="/admin/"' in client.get("/settings").text)
    assert shown == [True, False]
