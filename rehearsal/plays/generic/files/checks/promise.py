"""Does the running app do what a sentence asks for? python3 checks/promise.py KIND LIST WORDS...

Visits the app at PREVIEW_URL, adds entries of its own, looks at what the page makes of them, and removes them again.
"""

import html
import re
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from visitor import Visitor, expect


def visit(path, **form):
    status, _, page = Visitor().visit(path, **form)
    return status, page


def key_of(name):
    return name.replace(" ", "_")


def inputs(one):
    """The names of the fields on the list's form."""
    _, page = visit(f"/lists/{one}")
    found = re.findall(r'<input[^>]* name="(\w[\w-]*)"', page)
    expect(found, "there is no form to add anything with.")
    return found


@contextmanager
def an_entry(one, **values):
    """A new entry with a value of our own in each field: its number and the values. Removed in the end."""
    values = {name: f"<b>{name}</b> {secrets.token_hex(4)}" for name in inputs(one)} | values
    status, page = visit(f"/lists/{one}", **values)
    expect(status == 200, f"the form is not accepted ({status}).")
    number = number_of(page, values)
    expect(number, "what is added does not appear on the list.")
    try:
        yield number, values
    finally:
        visit(f"/lists/{one}/{number}/remove", sure="1")


def rows_of(page):
    return dict(re.findall(r'<li id="entry-(\d+)">(.*?)</li>', page, re.S))


def number_of(page, values):
    """The entry that shows all of these values."""
    shown = [html.escape(value) for value in values.values()]
    return next((n for n, row in rows_of(page).items() if all(value in row for value in shown)), "")


def total(one):
    _, page = visit(f"/lists/{one}")
    found = re.search(r'<strong id="count">(\d+)</strong>', page)
    expect(found, "the page does not say how many there are.")
    return int(found[1])


def state_total(one, state):
    _, page = visit(f"/lists/{one}")
    found = re.search(rf'data-state="{state}">(\d+) {state}<', page)
    expect(found, f"the page does not say how many are {state}.")
    return int(found[1])


def fields(one, *names):
    _, page = visit(f"/lists/{one}")
    for name in names:
        expect(f'<label for="{key_of(name)}">{name[0].upper()}{name[1:]}</label>' in page, f"no field is called {name}.")
    with an_entry(one):
        pass
    expect(visit(f"/lists/{one}", **{name: "" for name in inputs(one)})[0] == 422, "an empty form is accepted.")


def listed(one):
    _, front = visit("/")
    expect(f'href="/lists/{one}"' in front, "the first page does not lead to the list.")
    with an_entry(one) as (number, values), an_entry(one) as (second, _):
        shown = rows_of(visit(f"/lists/{one}")[1])
        expect({number, second} <= shown.keys(), "the list does not show everything that was added.")
    expect(not number_of(visit(f"/lists/{one}")[1], values), "what was removed is still on the list.")


def filtered(one, *names):
    for name in names:
        with an_entry(one) as (wanted, values), an_entry(one) as (other, _):
            everything = rows_of(visit(f"/lists/{one}")[1])
            expect({wanted, other} <= everything.keys(), "without a filter not everything is shown.")
            _, page = visit(f"/lists/{one}?{urlencode({f'by_{key_of(name)}': values[key_of(name)]})}")
            expect(wanted in rows_of(page), f"the filter by {name} hides what it should show.")
            expect(other not in rows_of(page), f"the filter by {name} shows what it should hide.")


def states(one, *names):
    with an_entry(one) as (number, _), an_entry(one) as (other, _):
        before = rows_of(visit(f"/lists/{one}")[1])[other]
        for state in [*names, names[0]]:
            _, page = visit(f"/lists/{one}/{number}/state", state=state)
            expect(f'<span class="badge">{state}</span>' in rows_of(page)[number], f"nothing can be {state}.")
            expect(rows_of(page)[other] == before, "marking one changes another.")
        expect(visit(f"/lists/{one}/{number}/state", state="no such state")[0] == 422, "anything can be a state.")


def count(one):
    before = total(one)
    with an_entry(one):
        expect(total(one) == before + 1, "one more is not counted.")
    expect(total(one) == before, "one less is not counted.")


def count_in(one, *names):
    known = re.findall(r'data-state="([^"]+)"', visit(f"/lists/{one}")[1])
    expect({*names} < {*known}, "the page does not say how many are in which state.")
    for state in names:
        before = state_total(one, state)
        with an_entry(one) as (number, _), an_entry(one) as (other, _):
            visit(f"/lists/{one}/{number}/state", state=state)
            visit(f"/lists/{one}/{other}/state", state=next(each for each in known if each != state))
            expect(state_total(one, state) == before + 1, f"one more that is {state} is not counted.")
        expect(state_total(one, state) == before, f"one less that is {state} is not counted.")


def title(words):
    expect(f"<h1>{html.escape(words)}</h1>" in visit("/")[1], "the app is not called that.")


def colour(name):
    _, page = visit("/")
    expect(f'class="in-{name}"' in page, f"the page is not {name}.")
    expect(f".in-{name}" in visit("/theme.css")[1], f"the app knows no {name}.")


KINDS = {
    "fields": fields,
    "list": listed,
    "add": listed,
    "remove": listed,
    "filter": filtered,
    "states": states,
    "count": count,
    "count-in": count_in,
    "title": title,
    "colour": colour,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
    print("Kept.")
