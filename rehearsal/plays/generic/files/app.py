"""The lists that plan.json describes: forms, filters, counts and states. It is read anew for each page."""

import records
from frame import frame
from rules import OUTCOMES, shortened
from web import App, Refused, Response, Safe, choice_field, markup, redirect, sentence, text_field

TICKED_BOX = (
    "M8.5 3.5h7a5 5 0 0 1 5 5v7a5 5 0 0 1-5 5h-7a5 5 0 0 1-5-5v-7a5 5 0 0 1 5-5z"
    "M8 12.3l2.8 2.7L16.2 9.3"
)
KINDS = {"e-mail": "email", "email": "email", "date": "date", "birthday": "date", "phone": "tel", "telephone": "tel"}
ORDERS = {"newest_first": "The newest first.", "by_name": "Sorted by name."}


def layout(title, body):
    plan = records.plan()
    coloured = markup('<div class="in-$colour">$body</div>', colour=plan["colour"], body=body)
    return frame(
        title,
        coloured if plan["colour"] else body,
        name=name_of(plan),
        mark=TICKED_BOX,
        links=[(address(each), sentence(each["many"])) for each in plan["lists"]],
        foot="Built by a rehearsal script, by fixed rules. The first page says what is not built.",
    )


def name_of(plan):
    return shortened(plan["title"], 160) or "A new idea"


def address(which):
    return f"/lists/{which['one']}"


app = App(layout)


@app.get("/")
def front(request):
    plan = records.plan()
    missing = [each["text"] for each in plan["promises"] if each["is"] != "done"]
    body = markup(
        """<div class="hero"><h1>$title</h1><p class="lead">$goal</p></div>
<ul class="grid">$cards</ul><div class="two below">$missing$said</div>""",
        title=name_of(plan),
        goal=shortened(plan["goal"], 300),
        cards=[card(each) for each in plan["lists"]],
        missing=not_built(missing) if missing else Safe(),
        said=what_was_said(plan["said"]) if plan["said"] else Safe(),
    )
    return layout(name_of(plan), body)


def card(which):
    return markup(
        """<li class="card part"><h2><a href="$to">$many</a></h2><p class="muted">$fields</p>
<p><span class="badge $tone">$count</span></p></li>""",
        to=address(which),
        many=sentence(which["many"]),
        fields=sentence(", ".join(which["fields"])),
        tone="good" if (number := len(records.entries(which))) else "",
        count=counted(which, number),
    )


def counted(which, number):
    return f"{number} {which['one'] if number == 1 else which['many']}"


def not_built(promises):
    return markup(
        """<section class="card"><h2>Asked for, and not built</h2>
<p class="muted">A rehearsal script follows rules and cannot think. These are for a real co-founder.</p>
<ul class="list">$rows</ul></section>""",
        rows=[markup("<li>$text</li>", text=shortened(each, 300)) for each in promises],
    )


def what_was_said(messages):
    parts = [part for message in reversed(messages) for part in message["parts"]]
    return markup(
        '<section class="card"><h2>What you wrote</h2><ul class="list">$rows</ul></section>',
        rows=[
            markup(
                '<li><p class="words">$text</p><span class="badge $tone">$outcome</span></li>',
                text=shortened(part["text"], 300),
                tone="good" if part["is"] == "done" else "",
                outcome=OUTCOMES[part["is"]] if part["is"] != "not possible" else "A script cannot do this",
            )
            for part in parts
        ],
    )


def known(one):
    """The list of that name; whatever is no list is refused."""
    for each in records.plan()["lists"]:
        if each["one"] == one:
            return each
    raise Refused("There is no such list.", 404)


@app.get("/lists/{one}")
def list_page(request, one):
    which = known(one)
    wanted = {name: value for name in which["filters"] if (value := request.query.get(f"by_{key_of(name)}"))}
    return page(which, wanted=wanted)


def key_of(name):
    """A field's name in a form."""
    return name.replace(" ", "_")


def page(which, typed=None, error="", wanted=None):
    plan, everything = records.plan(), records.entries(which)
    shown = records.entries(which, plan["order"], **(wanted or {}))
    body = markup(
        """<p class="back"><a href="/">← Start</a></p>
<div class="two"><div><h1 class="long">$many</h1>
<section class="card"><h2>Add a new one</h2><form method="post" action="$to" novalidate>$fields<button>Add it</button></form></section></div>
<section class="card"><h2><strong id="count">$number</strong> $noun</h2>$states$filters<p class="muted">$order</p>$rows</section></div>""",
        many=sentence(which["many"]),
        to=address(which),
        fields=[field(which, name, typed or {}, error) for name in which["fields"]],
        number=len(everything),
        noun=which["one"] if len(everything) == 1 else which["many"],
        states=state_counts(which, everything),
        filters=filter_form(which, everything, wanted or {}),
        order=ORDERS[plan["order"]],
        rows=markup('<ul class="list">$rows</ul>', rows=[row(which, each) for each in shown])
        if shown
        else Safe('<p class="empty">Nothing here.</p>'),
    )
    return layout(sentence(which["many"]), body)


def field(which, name, typed, error):
    heading = name == which["heading"]
    return text_field(
        sentence(name),
        key_of(name),
        typed.get(name, ""),
        error if heading else "",
        type=KINDS.get(name.split()[-1], "text"),
        maxlength="200",
    )


def state_counts(which, everything):
    states = [each.state for each in everything]
    badges = [
        markup('<li class="badge" data-state="$state">$number $state</li>', state=state, number=states.count(state))
        for state in which["states"]
    ]
    return markup('<ul class="row plain">$badges</ul>', badges=badges) if badges else Safe()


def filter_form(which, everything, wanted):
    if not which["filters"]:
        return Safe()
    choices = [(name, sorted({each.values.get(name, "") for each in everything} - {""})) for name in which["filters"]]
    return markup(
        '<form class="filters" action="$to">$fields<button class="quiet small">Show</button></form>',
        to=address(which),
        fields=[
            choice_field(
                sentence(name), f"by_{key_of(name)}", [("", "All"), *((v, v) for v in values)], wanted.get(name, "")
            )
            for name, values in choices
        ],
    )


def row(which, entry):
    others = [
        markup('<p class="muted"><span class="label">$name:</span> $value</p>', name=sentence(name), value=entry.values[name])
        for name in which["fields"]
        if name != which["heading"] and entry.values.get(name)
    ]
    buttons = [
        markup('<button class="small" name="state" value="$state">$label</button>', state=state, label=sentence(state))
        for state in which["states"]
        if state != entry.state
    ]
    return markup(
        """<li id="entry-$id"><div class="words"><h3>$heading</h3>$others$state</div>
<div class="row"><form class="inline" method="post" action="$to/$id/state">$buttons</form>
<form class="inline" method="post" action="$to/$id/remove"><button class="quiet small">Remove</button></form></div></li>""",
        id=entry.id,
        heading=entry.values.get(which["heading"], "") or "Without a name",
        others=others,
        state=markup('<p><span class="badge">$state</span></p>', state=entry.state) if entry.state else Safe(),
        to=address(which),
        buttons=buttons,
    )


@app.post("/lists/{one}")
def add(request, one):
    which = known(one)
    typed = {name: request.text(key_of(name)) for name in which["fields"]}
    if not typed[which["heading"]]:
        return Response(page(which, typed, f"Please fill in: {which['heading']}."), 422)
    records.add(which, typed)
    return redirect(address(which))


@app.post("/lists/{one}/{number}/state")
def set_state(request, one, number):
    which, state = known(one), request.text("state")
    if state not in which["states"]:
        raise Refused("There is no such state.", 422)
    records.set_state(number, state)
    return redirect(address(which))


@app.post("/lists/{one}/{number}/remove")
def remove(request, one, number):
    records.remove(number)
    return redirect(address(known(one)))


if __name__ == "__main__":
    app.serve()
