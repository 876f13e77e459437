"""What visitors see: the start, the request form, their ticket, and what was saved."""

from datetime import datetime

import config
import pages
import repairs
from web import Refused, Response, Safe, choice_field, markup, redirect, spoken, text_field

FIELDS = ("item", "fault", "skill", "photo", "name", "phone", "slot")


def open_at(app):
    app.get("/")(front)
    app.get("/bring")(bring)
    app.post("/bring")(book)
    app.get("/tickets/{token}")(ticket)
    app.get("/saved")(saved)


def front(request):
    now = datetime.now()
    day = repairs.next_saturday(now)
    places = repairs.free_places(day)
    body = markup(
        """<div class="two opening"><div class="hero"><p class="eyebrow">Repair café, $when</p>
<h1>Broken? Bring it, and we look at it together</h1>
<p class="lead">Tell us beforehand what is wrong and choose a time. Then somebody who can fix it is waiting for you,
and not the other way round.</p>
<p class="row"><a class="button" href="/bring">Bring something</a>
<a class="button quiet" href="/saved">See what we saved</a></p></div>
<section class="card"><h2>Places $when</h2><ul class="slots">$slots</ul></section></div>""",
        when=spoken(day, now.date()),
        slots=[slot_line(slot, left) for slot, left in places.items()],
    )
    return pages.layout("Welcome", body)


def slot_line(slot, left):
    dots = [Safe('<i class="taken"></i>')] * (config.PLACES - left) + [Safe("<i></i>")] * left
    words = f"{left} free" if left else "full"
    return markup(
        '<li><b>$slot</b><span class="dots" aria-hidden="true">$dots</span><span class="muted">$words</span></li>',
        slot=slot,
        dots=dots,
        words=words,
    )


def bring(request):
    return form_page(dict.fromkeys(FIELDS, ""), {})


def book(request):
    answers = {name: request.text(name, 500 if name in ("photo", "fault") else 120) for name in FIELDS}
    if wrong := repairs.problems(answers):
        return Response(form_page(answers, wrong), 422)
    now = datetime.now()
    try:
        return redirect(f"/tickets/{repairs.book(answers, repairs.next_saturday(now), now.date())}")
    except repairs.SlotFull:
        return Response(full_page(answers, repairs.next_saturday(now)), 409)


def full_page(answers, day):
    """The slot was full: the form again with all that was typed, and the next free time chosen."""
    free = repairs.next_free(day, answers["slot"])
    if free is None:
        raise Refused("Every place on this Saturday is taken. Please try the next one.", 409)
    words = f"The place at {answers['slot']} has just been taken. The next free time is {free}; it is chosen below."
    return form_page({**answers, "slot": free}, {}, words)


def form_page(answers, wrong, notice=""):
    day = repairs.next_saturday(datetime.now())
    free = [(slot, left) for slot, left in repairs.free_places(day).items() if left]
    if not free:
        raise Refused("Every place on this Saturday is taken. Please come back next week.", 409)
    times = [(slot, f"{slot} ({left} free)") for slot, left in free]
    body = markup(
        """<div class="narrow"><h1>What do you bring?</h1><p class="lead">For $when. It takes a minute.</p>$notice
<form class="card" method="post" action="/bring" novalidate>$item$fault$skill$photo$name$phone$slot<button>Reserve my place</button></form></div>""",
        when=spoken(day, datetime.now().date()),
        notice=markup('<p class="notice warm" role="alert">$words</p>', words=notice) if notice else Safe(),
        item=text_field("What is it?", "item", answers["item"], wrong.get("item", ""), maxlength="120"),
        fault=text_field(
            "What is wrong with it?", "fault", answers["fault"], wrong.get("fault", ""), maxlength="500"
        ),
        skill=choice_field(
            "What kind of repair?", "skill", config.SKILLS.items(), answers["skill"], wrong.get("skill", "")
        ),
        photo=text_field(
            "Link to a photo",
            "photo",
            answers["photo"],
            wrong.get("photo", ""),
            "If you have one. It helps us bring the right parts.",
            type="url",
        ),
        name=text_field("Your name", "name", answers["name"], wrong.get("name", ""), autocomplete="name"),
        phone=text_field(
            "Phone number", "phone", answers["phone"], wrong.get("phone", ""), type="tel", autocomplete="tel"
        ),
        slot=choice_field("When do you come?", "slot", times, answers["slot"], wrong.get("slot", "")),
    )
    return pages.layout("Bring something", body)


def ticket(request, token):
    found = repairs.request(token)
    if found is None:
        raise Refused("We do not know this ticket.", 404)
    day = datetime.fromisoformat(found["day"]).date()
    body = markup(
        """<section class="card narrow ticket"><p class="eyebrow">Your place is reserved</p><h1>$slot</h1>
<p class="lead">See you $when, with this: $item.</p><p>Somebody who knows about this kind of thing will be there.
Keep this page, or just remember the time.</p><p><a class="button quiet" href="/bring">Bring another thing</a></p></section>""",
        slot=found["slot"],
        when=spoken(day, datetime.now().date()),
        item=found["item"],
    )
    return pages.layout("Your ticket", body)


def saved(request):
    counts = repairs.counts()
    body = markup(
        """<div class="hero tally"><p class="number">$fixed</p><h1>things saved from the bin</h1>
<p class="lead">Coming back for a second try: $back. Nothing to be done, though we tried: $lost.</p>
<p><a class="button" href="/bring">Bring the next one</a></p></div>""",
        fixed=counts["fixed"],
        back=counts["come_back"],
        lost=counts["not_fixable"],
    )
    return pages.layout("What we saved", body)
