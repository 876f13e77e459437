"""Keep a promise or say which one is broken: python3 checks/promise.py form|slots|volunteers|saved

Visits the running page at PREVIEW_URL as visitors and volunteers do, and takes its own requests away again.
"""

import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import config
from visitor import Visitor, expect


def volunteer():
    visitor = Visitor()
    status, _, page = visitor.visit("/volunteers/code", code=config.VOLUNTEER_CODE)
    expect(status == 200 and "What is coming" in page, "the code of the poster does not open the list.")
    return visitor


@contextmanager
def our_own_requests():
    """A word that marks the check's requests; all of them are removed in the end."""
    word = f"check-{secrets.token_hex(4)}"
    helper = volunteer()
    try:
        yield word, helper
    finally:
        for number in numbers(helper, word):
            helper.visit(f"/volunteers/{number}/remove", really="1")


def lists(helper):
    """The list that opens, and those of the other days it leads to."""
    _, _, page = helper.visit("/volunteers")
    others = re.findall(r'href="(/volunteers\?day=[^"]+)">', page)
    return [page, *(helper.visit(path)[2] for path in others)]


def entries(helper, word):
    rows = [row for page in lists(helper) for row in re.findall(r'<li id="r\d+">.*?</li>', page, re.S)]
    return [row for row in rows if word in row]


def numbers(helper, word):
    return [re.search(r'id="r(\d+)"', each)[1] for each in entries(helper, word)]


def free_times():
    _, _, page = Visitor().visit("/bring")
    found = re.findall(r'<option value="(\d\d:\d\d)"[^>]*>\d\d:\d\d \((\d) free\)', page)
    expect(found, "the form offers no time.")
    return [(slot, int(left)) for slot, left in found]


def ask(word, slot, **changes):
    answers = {
        "item": f"Lamp {word}",
        "fault": "Flickers",
        "skill": "electrical",
        "photo": "https://example.org/lamp.jpg",
    }
    answers |= {"name": "Check Visitor", "phone": "030 555 0199", "slot": slot, **changes}
    return Visitor().visit("/bring", **answers)


def form():
    _, _, page = Visitor().visit("/bring")
    for name in ("item", "fault", "photo", "slot"):
        expect(
            f'name="{name}"' in page and f'for="{name}"' in page,
            f"the form does not ask for {name}, with a label.",
        )
    slot = free_times()[0][0]
    with our_own_requests() as (word, helper):
        status, url, ticket = ask(word, slot)
        expect(
            status == 200 and "/tickets/" in url and slot in ticket,
            "a good request gets no ticket with its time.",
        )
        expect(
            ask(word, slot, photo="javascript:alert(1)")[0] == 422,
            "a photo link that is no web address is accepted.",
        )
        shown = entries(helper, word)
        expect(
            len(shown) == 1 and "https://example.org/lamp.jpg" in shown[0],
            "the volunteers do not see item and photo.",
        )


def slots():
    slot, left = max(free_times(), key=lambda each: each[1])
    with our_own_requests() as (word, _), ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: ask(word, slot), range(config.PLACES + 4)))
    booked = [page for status, _, page in answers if status == 200]
    late = [page for status, _, page in answers if status == 409]
    expect(len(booked) == left, f"{len(booked)} of 8 people at once got one of {left} places at {slot}.")
    expect(len(late) == len(answers) - left, "those who were too late did not get a clear word.")
    expect(
        all("next free time is" in page and "Lamp check" in page for page in late),
        "no next free time is offered.",
    )


def volunteers():
    slot = free_times()[0][0]
    with our_own_requests() as (word, helper):
        ask(word, slot, skill="bicycle")
        groups = re.findall(r'<section class="card" id="bicycle">.*?</section>', "".join(lists(helper)), re.S)
        expect(word in "".join(groups), "the request is not listed under its skill.")
        expect(word not in Visitor().visit("/volunteers")[2], "the list can be read without the code.")
        for status in ("fixed", "not_fixable", "come_back"):
            number = numbers(helper, word)[0]
            helper.visit(f"/volunteers/{number}/{status}", tap="1")
            pressed = re.search(r'aria-pressed="true">([^<]+)<', entries(helper, word)[0])
            expect(
                pressed and pressed[1] == config.STATUSES[status],
                f"one tap does not mark it as {config.STATUSES[status]}.",
            )


def count():
    status, _, page = Visitor().visit("/saved")
    expect(status == 200, "the public page does not open.")
    return int(re.search(r'class="number">(\d+)<', page)[1])


def saved():
    with our_own_requests() as (word, helper):
        before = count()
        ask(word, free_times()[0][0])
        helper.visit(f"/volunteers/{numbers(helper, word)[0]}/fixed", tap="1")
        expect(count() == before + 1, "a thing that was fixed is not counted.")


PROMISES = {"form": form, "slots": slots, "volunteers": volunteers, "saved": saved}

if __name__ == "__main__":
    PROMISES[sys.argv[1]]()
    print("Kept.")
