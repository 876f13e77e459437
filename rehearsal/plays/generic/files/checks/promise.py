"""Is there a working form and list for a promise? python3 checks/promise.py NUMBER

Visits the running app at PREVIEW_URL: adds an entry to the promise's list, finds it there and nowhere
else, ticks it off and removes it again.
"""

import html
import re
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lists
from visitor import Visitor, expect


def visit(path, **form):
    status, _, page = Visitor().visit(path, **form)
    return status, page


def main(number):
    title = html.escape(lists.titles()[number - 1])
    _, front = visit("/")
    expect(f'<a href="/lists/{number}">{title}</a>' in front, "the front page does not lead to this part.")
    _, page = visit(f"/lists/{number}")
    expect(f">{title}</h1>" in page, "the part does not say what it is for.")
    expect(visit(f"/lists/{number}", what="", note="")[0] == 422, "an empty form is accepted.")
    keep_and_remove(number, f"<b>Check {secrets.token_hex(4)}</b>")


def keep_and_remove(number, what):
    shown = f"<h3>{html.escape(what)}</h3>"
    expect(
        shown in visit(f"/lists/{number}", what=what, note="from a check")[1],
        "what is added does not appear.",
    )
    elsewhere = [
        n for n in range(1, len(lists.titles()) + 1) if n != number and shown in visit(f"/lists/{n}")[1]
    ]
    expect(not elsewhere, "what is added appears on another list too.")
    entry = re.search(
        rf"{re.escape(shown)}.*?action=\"(/lists/{number}/\d+)/tick\"", visit(f"/lists/{number}")[1], re.S
    )
    expect(entry, "what was added cannot be ticked off.")
    _, ticked = visit(f"{entry[1]}/tick", done="1")
    expect('class="entry done"' in ticked, "ticking off changes nothing.")
    expect(shown not in visit(f"{entry[1]}/remove", done="1")[1], "what is removed stays.")


if __name__ == "__main__":
    main(int(sys.argv[1]))
    print("Kept.")
