"""Nobody gets in; and where somebody could, the walk says so."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from intrude.__main__ import WALKS
from intrude.walks import access, disk, elsewhere, forgery, inward, nonsense, passwords, sessions, sockets
from tests.intrude.conftest import Attack

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

LEAST = {  # how much of each kind is tried in a minute
    access.KIND: 3000,
    access.CHANGED: 7,
    forgery.KIND: 250,
    inward.KIND: 42,
    nonsense.KIND: 700,
    elsewhere.NEXT: 70,
    elsewhere.HOST: 18,
    sockets.KIND: 18,
    sessions.COOKIES: 6,
    sessions.HEADERS: 60,
    sessions.ENDS: 8,
    passwords.KIND: 35,
    disk.SECRETS: 5,
    disk.MODES: 2,
}
HOLES = {  # of `tests.intrude.holes` and `holed_settings`, and what the program says of each
    "a page that asks nobody whose it is": "/name as nobody answered 200",
    "an answer that shows the victim's things": "shows the project's name",
    "a change without a right": "of the victim was",
    "a form of another site": "POST /settings/nights with no token was answered 200",
    "a redirect to another site": "POST /accounts/logout/ with next=",
    "an answer with a fault": "was answered 500",
    "a host name of anybody's": "The site answers to the host name 'evil.example'",
    "links that follow the host name": "Links in mails follow the asker's host name",
    "a webhook that leads inward": "The webhook address 'https://127.0.0.1/' was answered 200",
    "a cookie that scripts can read": "The cookie sessionid is set without httponly",
    "a page in another site's frame": "may be framed",
    "a token that outlives the password": "A token outlives a new password",
    "a password that may be guessed": "wrong passwords at the sign-in page, the sign-in page still takes",
    "a code that may be guessed": "wrong codes, a code is still taken",
    "a secret in a log": "web.log holds the secret's value",
}


def test_nobody_gets_in(attack: Attack) -> None:
    outcome = attack("tests.intrude.plain_settings")

    assert outcome.code == 0, outcome.said
    assert {kind: outcome.tried(kind) for kind in LEAST if outcome.tried(kind) < LEAST[kind]} == {}, (
        outcome.said
    )
    assert not get_user_model().objects.filter(email__startswith="intrude-").exists()


def test_every_planted_hole_is_found(attack: Attack, tmp_path: Path) -> None:
    outcome = attack("tests.intrude.holed_settings")

    assert outcome.code == 1, outcome.said
    assert {hole for hole, sentence in HOLES.items() if sentence not in outcome.said} == set(), outcome.said


def test_a_site_that_is_not_there_is_no_safe_site(attack: Attack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "intrude", "http://127.0.0.1:9"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "does not answer" in done.stderr) == (2, True)


def test_every_walk_is_part_of_it() -> None:
    assert set(WALKS) == {
        path.stem for path in Path(access.__file__).parent.glob("*.py") if path.stem != "__init__"
    }
