"""Keep a promise or say which one is broken: python3 checks/promise.py sign-up|limit|list|cancel

Visits the running page at PREVIEW_URL as neighbours and the baker do, and cancels its own reservations again.
"""

import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import config
from visitor import Visitor, expect

LIGHT = 60_000


def baker():
    visitor = Visitor()
    status, _, page = visitor.visit("/baker/code", code=config.BAKER_CODE)
    expect(status == 200 and "spoken for" in page, "the bakery's code does not open the list.")
    return visitor


def phone():
    return "030 " + "".join(secrets.choice("0123456789") for _ in range(9))


def open_days():
    _, _, page = Visitor().visit("/")
    found = re.findall(r'<option value="(\d{4}-\d\d-\d\d)"', page)
    expect(found, "the page offers no day.")
    return found


def sign_up(number, day, loaves="1"):
    status, url, page = Visitor().visit("/", phone=number, day=day, loaves=loaves)
    return status, url.rpartition("/")[2] if "/loaf/" in url else "", page


@contextmanager
def a_loaf(number, day, loaves="1"):
    """A reservation of our own, cancelled in the end."""
    status, token, page = sign_up(number, day, loaves)
    expect(status == 200 and token, f"a good sign-up was refused ({status}).")
    try:
        yield token, page
    finally:
        Visitor().visit(f"/cancel/{token}", yes="1")


def works_on_any_phone():
    _, _, page = Visitor().visit("/")
    styles = "".join(Visitor().visit(f"/{name}.css")[2] for name in ("base", "theme"))
    expect('name="viewport"' in page, "the page does not fit itself to a phone.")
    expect("<script" not in page, "the page needs scripts, which old phones may not run.")
    expect(len(page) + len(styles) < LIGHT, "the page is heavier than 60 KB.")
    for name in ("phone", "day", "loaves"):
        expect(
            f'for="{name}"' in page and f'name="{name}"' in page,
            f"the form has no labelled field for {name}.",
        )
    with a_loaf(phone(), open_days()[-1]) as (_, told):
        expect("One loaf" in told, "after signing up nobody is told what is theirs.")
    expect(sign_up("12", "someday", "9")[0] == 422, "a form without number and day is accepted.")


def a_limit():
    day = open_days()[-1]
    keeper = baker()
    _, _, page = keeper.visit(f"/baker?day={day}")
    taken = int(re.search(r"<h1>(\d+) of \d+ loaves", page)[1])
    try:
        keeper.visit("/baker/limit", day=day, loaves=str(taken + 2), scope="day")
        with ThreadPoolExecutor(8) as people:
            answers = list(people.map(lambda _: sign_up(phone(), day, "2"), range(8)))
        with ExitStack() as mess:
            for _, token, _ in answers:
                if token:
                    mess.callback(Visitor().visit, f"/cancel/{token}", yes="1")
            got = [status for status, _, _ in answers]
            expect(got.count(200) == 1, f"{got.count(200)} of 8 people at once got the last two loaves.")
            expect(
                got.count(409) == 7,
                f"those who were too late saw {sorted(set(got))} instead of a clear word.",
            )
    finally:
        keeper.visit("/baker/limit", day=day, loaves="", scope="day")


def the_list():
    number, day = phone(), open_days()[0]
    with a_loaf(number, day, "2"):
        _, _, page = baker().visit("/baker")
        expect(re.search(rf"<td>{number}</td><td><b>2</b>", page), "tomorrow's list misses a reservation.")
        expect(number not in Visitor().visit("/baker")[2], "the list can be read without the code.")
        expect("@media print" in Visitor().visit("/base.css")[2], "the list is not prepared for printing.")


def cancelling():
    number, day = phone(), open_days()[-1]
    with a_loaf(number, day, "2") as (token, page):
        expect(f"/cancel/{token}" in page, "whoever signs up is given no cancel link.")
        expect(sign_up(number, day)[0] == 409, "one person can have more than two loaves.")
        Visitor().visit(f"/cancel/{token}")
        expect(Visitor().visit(f"/loaf/{token}")[0] == 200, "looking at the cancel link cancels already.")
        Visitor().visit(f"/cancel/{token}", yes="1")
        expect(
            Visitor().visit(f"/loaf/{token}")[0] == 404, "the reservation is still there after cancelling."
        )
    with a_loaf(number, day, "2"):
        pass


PROMISES = {"sign-up": works_on_any_phone, "limit": a_limit, "list": the_list, "cancel": cancelling}

if __name__ == "__main__":
    PROMISES[sys.argv[1]]()
    print("Kept.")
