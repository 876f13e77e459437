"""Keep a promise or say which one is broken: python3 checks/promise.py free-today|borrow|never-two|my-list

Visits the running shelf at PREVIEW_URL as a neighbour and as Marta would, with a tool of its own,
which it takes off the shelf again.
"""

import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import config
from visitor import Visitor, expect


def marta():
    visitor = Visitor()
    status, _, page = visitor.visit("/keeper/code", code=config.KEEPER_CODE)
    expect(status == 200 and "Who has what" in page, "Marta's code does not open her list.")
    return visitor


@contextmanager
def a_tool_of_our_own(keeper):
    """A tool with a name nobody else uses; brought back and taken off the shelf in the end."""
    name = f"Test tool {secrets.token_hex(4)}"
    keeper.visit("/keeper/tools", name=name, about="Only here for a moment.")
    _, _, page = Visitor().visit("/")
    found = re.search(rf'href="(/tools/(\d+))">{name}<', page)
    expect(found, "a new tool does not appear on the shelf.")
    try:
        yield name, found[1]
    finally:
        if loan := back_button(keeper, name):
            keeper.visit(loan, done="1")
        keeper.visit(f"/keeper/tools/{found[2]}/off", done="1")


def back_button(keeper, name):
    _, _, page = keeper.visit("/keeper")
    found = re.search(rf"<h3>{name}</h3>.*?action=\"(/keeper/back/\d+)\"", page, re.S)
    return found and found[1]


def borrow(path, name="Check Visitor"):
    """Fill in whatever the form asks for and send it."""
    visitor = Visitor()
    _, _, page = visitor.visit(path)
    days = re.findall(r'<option value="([^"]+)"', page)
    expect(days, "a free tool has no borrowing form.")
    return visitor.visit(f"{path}/borrow", name=name, phone="030 555 0199", due=days[0])


def shelf_entry(name):
    _, _, page = Visitor().visit("/")
    return page.split(f">{name}<")[1].split("</li>")[0]


def free_today():
    with a_tool_of_our_own(marta()) as (name, path):
        expect("Free today" in shelf_entry(name), "a tool nobody has is not shown as free today.")
        borrow(path)
        expect("Back tomorrow" in shelf_entry(name), "a borrowed tool does not say when it is back.")


def borrowing():
    with a_tool_of_our_own(marta()) as (name, path):
        status, url, page = borrow(path)
        expect(status == 200 and "/loans/" in url, f"borrowing a free tool was refused ({status}).")
        expect(name in page and "tomorrow" in page, "the slip does not say what was borrowed and until when.")
        status, _, _ = Visitor().visit(f"{path}/borrow", name="", phone="", due="never")
        expect(status == 422, "a form without a day for bringing it back was accepted.")


def never_two():
    with a_tool_of_our_own(marta()) as (_, path), ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda each: borrow_blindly(path, each), range(8)))
    expect(
        answers.count(200) == 1, f"{answers.count(200)} of eight people got the same tool at the same moment."
    )
    expect(
        answers.count(409) == 7,
        f"those who were too late saw {sorted(set(answers))} instead of a clear word.",
    )


def borrow_blindly(path, number):
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    return Visitor().visit(f"{path}/borrow", name=f"Neighbour {number}", phone="030 555 0100", due=tomorrow)[
        0
    ]


def my_list():
    keeper = marta()
    with a_tool_of_our_own(keeper) as (name, path):
        borrow(path)
        expect(back_button(keeper, name), "a borrowed tool is missing from Marta's list.")
        _, _, page = Visitor().visit("/keeper")
        expect(name not in page, "Marta's list can be read without the code.")
        keeper.visit(back_button(keeper, name), done="1")
        expect(not back_button(keeper, name), "a tool that is back stays on Marta's list.")


PROMISES = {"free-today": free_today, "borrow": borrowing, "never-two": never_two, "my-list": my_list}

if __name__ == "__main__":
    PROMISES[sys.argv[1]]()
    print("Kept.")
