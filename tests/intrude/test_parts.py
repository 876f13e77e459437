"""The parts of the program that judge, each by itself."""

import time
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value

from intrude.people import Mails, code_of
from intrude.report import Report
from intrude.routes import Who, described, table
from intrude.walks.elsewhere import leads_away
from intrude.walks.inward import SPELLINGS


def test_its_codes_are_those_of_an_authenticator_app() -> None:
    seed, now = generate_totp_secret(), time.time()
    assert code_of(seed, now) == format_hotp_value(hotp_value(seed, int(now) // 30))


@pytest.mark.parametrize(
    ("place", "away"),
    [
        ("/projects", False),
        ("", False),
        ("http://site.example/projects", False),
        ("//evil.example", True),
        ("/\\evil.example", True),
        ("/\t/evil.example", True),
        ("https://evil.example/", True),
        ("javascript:alert(1)", True),
        ("///evil.example", True),
    ],
)
def test_it_reads_an_address_as_a_browser_does(place: str, away: bool) -> None:
    assert leads_away(place, "site.example") is away


def test_the_table_is_the_sites_own() -> None:
    routes = {route.pattern: route.who for route in table()}
    assert (
        routes["api/jobs/<uuid:job_id>/status"] == routes["settings/tokens/<str:digest>/revoke"] == Who.OWNER
    )
    assert routes["preview/<uuid:project_id>"] == Who.SHARED
    assert routes["admin/jobs/job/"] == Who.STAFF
    assert routes["settings"] == routes["settings/notifications/webhook/<slug:verb>"] == Who.FOUNDERS
    assert routes["healthz"] == routes["enter/<str:token>"] == Who.ANYBODY
    assert len(routes) > 190


def test_no_address_keeps_a_parameter_unfilled() -> None:
    left = [route.pattern for route in table() if set("<>()^$|") & set(route.path({}))]
    assert left == []


def test_what_only_the_install_describes_is_tried_too() -> None:
    known = table()
    more = described({"paths": {"/api/jobs/{job_id}/status": {}, "/api/later/{job_id}": {}}}, known)
    assert [(route.pattern, route.who) for route in more] == [("api/later/<job_id>", Who.OWNER)]


def test_there_are_as_many_spellings_as_ways_inward_are_known() -> None:
    assert len(set(SPELLINGS)) == len(SPELLINGS) >= 42


def test_links_are_found_in_mails_of_their_reader_alone(tmp_path: Path) -> None:
    for name, reader in (("1.log", "a@example.com"), ("2.log", "b@example.com")):
        mail = f"Content-Type: text/plain\nTo: {reader}\n\nHere: http://site.example/confirm-email/{reader[0]}/\n"
        (tmp_path / name).write_text(mail + "-" * 79 + "\n")
    assert Mails(tmp_path).links_to("a@example.com", "/confirm-email/") == [
        "http://site.example/confirm-email/a/"
    ]
    assert Mails(None).links_to("a@example.com", "/confirm-email/") == []


def test_what_could_not_be_tried_is_told() -> None:
    report = Report()
    report.expect("doors", True, "It opens.", 429)
    report.expect("doors", False, "It opens.", 200)
    report.note("The cellar.")
    told = "\n".join(report.lines())
    assert "      2        1      1  doors" in told
    assert "FOUND (doors): It opens." in told
    assert "NOT TRIED: The cellar." in told
