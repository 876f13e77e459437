"""A form and a list for each thing that was asked for."""

import lists
from frame import frame
from web import App, Refused, Response, Safe, markup, redirect, text_field

TICKED_BOX = (
    "M8.5 3.5h7a5 5 0 0 1 5 5v7a5 5 0 0 1-5 5h-7a5 5 0 0 1-5-5v-7a5 5 0 0 1 5-5z"
    "M8 12.3l2.8 2.7L16.2 9.3"
)


def layout(title, body):
    return frame(
        title,
        body,
        name=project(),
        mark=TICKED_BOX,
        links=[],
        foot="A simple first version: a form and a list for each part.",
    )


def project():
    return lists.shortened(lists.WISHES["project"]) or "A new idea"


app = App(layout)


@app.get("/")
def front(request):
    counts = lists.open_counts()
    body = markup(
        """<div class="hero"><h1>$project</h1><p class="lead">$goal</p></div>
<ol class="grid parts">$cards</ol>""",
        project=project(),
        goal=lists.shortened(lists.WISHES["goal"]),
        cards=[card(n, title, counts.get(n, 0)) for n, title in enumerate(lists.titles(), 1)],
    )
    return layout(project(), body)


def card(number, title, count):
    return markup(
        """<li class="card part"><span class="tile" aria-hidden="true">$number</span>
<h2><a href="/lists/$number">$title</a></h2><p><span class="badge $tone">$words</span></p></li>""",
        number=number,
        title=title,
        tone="good" if count else "",
        words=f"{count} open" if count else "Nothing yet",
    )


def known(number):
    """The list's number and title; whatever is no list is refused."""
    titles = lists.titles()
    if not number.isdecimal() or not 1 <= int(number) <= len(titles):
        raise Refused("There is no such list.", 404)
    return int(number), titles[int(number) - 1]


@app.get("/lists/{number}")
def list_page(request, number):
    return page(*known(number))


def page(number, title, what="", note="", error=""):
    rows = [row(number, each) for each in lists.entries(number)]
    body = markup(
        """<p class="back"><a href="/">← All parts</a></p>
<div class="two"><div><h1 class="long">$title</h1>
<section class="card"><h2>Add something</h2>
<form method="post" action="/lists/$number" novalidate>$what$note<button>Add it</button></form></section></div>
<section class="card"><h2>On the list</h2>$rows</section></div>""",
        title=title,
        number=number,
        what=text_field("What is it?", "what", what, error, maxlength="200"),
        note=text_field(
            "A note", "note", note, hint="Who, when, how many: whatever helps. You can leave it empty."
        ),
        rows=markup('<ul class="list">$rows</ul>', rows=rows)
        if rows
        else Safe('<p class="empty">Nothing yet.</p>'),
    )
    return layout(title, body)


def row(number, entry):
    return markup(
        """<li class="entry $state"><div class="row between"><div class="words"><h3>$what</h3><p class="muted">$note</p></div>
<div class="row"><form class="inline" method="post" action="/lists/$number/$id/tick"><button class="small">$tick</button></form>
<form class="inline" method="post" action="/lists/$number/$id/remove"><button class="quiet small">Remove</button></form>
</div></div></li>""",
        state="done" if entry["done"] else "",
        what=entry["what"],
        note=entry["note"],
        number=number,
        id=entry["id"],
        tick="Open again" if entry["done"] else "Done",
    )


@app.post("/lists/{number}")
def add(request, number):
    number, title = known(number)
    what, note = request.text("what"), request.text("note", 500)
    if not what:
        return Response(page(number, title, what, note, "Please say what it is."), 422)
    lists.add(number, what, note)
    return redirect(f"/lists/{number}")


@app.post("/lists/{number}/{entry}/tick")
def tick(request, number, entry):
    lists.tick(entry)
    return redirect(f"/lists/{known(number)[0]}")


@app.post("/lists/{number}/{entry}/remove")
def remove(request, number, entry):
    lists.remove(entry)
    return redirect(f"/lists/{known(number)[0]}")


if __name__ == "__main__":
    lists.set_up()
    app.serve()
