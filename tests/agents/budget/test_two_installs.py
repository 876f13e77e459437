"""Two installs on one database, whose builds race for one founder's day."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Sum

from agents.models import DailyBudget, SpendEntry
from jobs.briefs import create_project
from jobs.models import Project
from tests.agents.budget.test_ledger import make_session
from tests.browser.conftest import server_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

SPEND = """
import django, random, sys
django.setup()
from django.db import transaction
from agents.budget import ledger
from agents.models import AgentSession
from agents.usage import Usage

session, chance = AgentSession.objects.get(pk=sys.argv[1]), random.Random(sys.argv[1])
print("ready", flush=True)
input()
made = 0
try:
    while True:
        with transaction.atomic():
            grant = ledger.reserve(session, 100)
        made += 1
        if chance.random() < 0.2:
            continue  # killed before it knew what the call has used
        with transaction.atomic():
            used = Usage(input_tokens=100, output_tokens=chance.randrange(grant.max_tokens))
            ledger.settle(grant.entry_id, used)
except ledger.NoRoom:
    print(made)
"""


def install(session: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SPEND, str(session.pk)],
        env={**os.environ, **server_environment()},
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_day_s_ceiling_holds_for_both_together(project: Project) -> None:
    other = create_project(owner=project.owner, name="Another", goal="Theirs", idea_brief={"problem": "x"})
    installs = [install(make_session(project)), install(make_session(other))]
    for process in installs:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    made = []
    for process in installs:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in installs:
        said, _ = process.communicate(timeout=120)
        made.append(int(said))
    day = DailyBudget.objects.get()
    settled = SpendEntry.objects.filter(status=SpendEntry.Status.SETTLED)
    reserved = SpendEntry.objects.filter(status=SpendEntry.Status.RESERVED)
    assert min(made) > 0, "both have had their share"
    assert sum(made) == SpendEntry.objects.count()
    assert day.spent_microdollars == settled.aggregate(total=Sum("cost_microdollars"))["total"]
    assert (
        day.reserved_microdollars
        == (reserved.aggregate(total=Sum("reserved_microdollars", default=0))["total"])
    )
    ceiling = 110 * day.allowance_microdollars // 100
    assert day.spent_microdollars + day.reserved_microdollars <= ceiling
