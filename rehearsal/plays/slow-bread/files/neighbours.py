"""What neighbours see: the sign-up page, their loaf, and the link that cancels it."""

from datetime import date

import bread
import config
import pages
from web import Refused, Response, Safe, choice_field, markup, redirect, sentence, spoken, text_field

FIELDS = ("phone", "day", "loaves")


def open_at(app):
    app.get("/")(front)
    app.post("/")(reserve)
    app.get("/loaf/{token}")(loaf)
    app.get("/cancel/{token}")(ask_to_cancel)
    app.post("/cancel/{token}")(cancel)


def front(request):
    return form_page(dict.fromkeys(FIELDS, ""), {})


def reserve(request):
    today = date.today()
    answers = {name: request.text(name, 40) for name in FIELDS}
    wrong = bread.problems(answers, today)
    if not wrong:
        try:
            day, loaves = date.fromisoformat(answers["day"]), int(answers["loaves"])
            return redirect(f"/loaf/{bread.reserve(answers['phone'], day, loaves, today)}")
        except bread.EnoughAlready:
            wrong["loaves"] = (
                f"This number already has a reservation for that day. {config.PER_PERSON} loaves for each person."
            )
        except bread.SoldOut as sold_out:
            wrong["day"] = sorry(sold_out.left)
    return Response(form_page(answers, wrong), 409 if not bread.problems(answers, today) else 422)


def sorry(left):
    if left:
        return (
            f"Only {left} loaf is left on this day."
            if left == 1
            else f"Only {left} loaves are left on this day."
        )
    return "This day has just been filled. Please choose another one, or walk in early."


def form_page(answers, wrong):
    today = date.today()
    left = {day: max(each[0] - each[1], 0) for day in bread.days(today) if (each := bread.overview(day))}
    body = markup(
        """<div class="opening"><div class="hero"><p class="eyebrow">$bakery</p><h1>A loaf with your name on it</h1>
<p class="lead">Well, with your phone number. Choose a day, and your bread waits for you until we close.</p></div>
<section class="card"><h2>Reserve bread</h2>$form</section><ul class="days">$days</ul></div>""",
        bakery=config.BAKERY,
        days=[day_line(day, places, today) for day, places in left.items()],
        form=form(
            answers,
            wrong,
            [(day.isoformat(), sentence(spoken(day, today))) for day, places in left.items() if places],
        ),
    )
    return pages.layout("Reserve bread", body)


def form(answers, wrong, days):
    if not days:
        return Safe(
            "<p>Everything is spoken for this week. Some loaves always stay for those who walk in early.</p>"
        )
    loaves = [(str(n + 1), f"{n + 1} {'loaf' if n == 0 else 'loaves'}") for n in range(config.PER_PERSON)]
    return markup(
        '<form method="post" action="/" novalidate>$phone$day$loaves<button>Keep it for me</button></form>',
        phone=text_field(
            "Phone number",
            "phone",
            answers["phone"],
            wrong.get("phone", ""),
            "You say it at the counter. We do not call or write.",
            type="tel",
            autocomplete="tel",
        ),
        day=choice_field("Which day?", "day", days, answers["day"], wrong.get("day", "")),
        loaves=choice_field("How many?", "loaves", loaves, answers["loaves"], wrong.get("loaves", "")),
    )


def day_line(day, left, today):
    return markup(
        '<li><span>$day</span><b class="$tone">$left</b></li>',
        day=spoken(day, today),
        tone="muted" if left else "none",
        left=f"{left} left" if left else "full",
    )


def known(token):
    found = bread.reservation(token)
    if found is None:
        raise Refused("This reservation does not exist any more. Perhaps it has been cancelled.", 404)
    return found


def told(found):
    """The two things everybody wants to know: how many, and when."""
    loaves = "One loaf" if found["loaves"] == 1 else f"{found['loaves']} loaves"
    return loaves, spoken(date.fromisoformat(found["day"]), date.today())


def loaf(request, token):
    loaves, when = told(known(token))
    body = markup(
        """<section class="card narrow"><p class="eyebrow">It is yours</p><h1>$loaves, $when</h1>
<p class="lead">Say your phone number at the counter.</p>
<p>Something came up? <a href="/cancel/$token">Cancel here</a>, so that somebody else gets it. Keep this page to find the link again.</p></section>""",
        loaves=loaves,
        when=when,
        token=token,
    )
    return pages.layout("Your loaf", body)


def ask_to_cancel(request, token):
    """Only a press of the button cancels: programs that look at links in advance must not."""
    loaves, when = told(known(token))
    body = markup(
        """<section class="card narrow"><h1>Give it back?</h1><p class="lead">$loaves, $when.</p>
<form class="row" method="post" action="/cancel/$token"><button>Yes, cancel it</button><a class="button quiet" href="/loaf/$token">Keep it</a></form></section>""",
        loaves=loaves,
        when=when,
        token=token,
    )
    return pages.layout("Cancel", body)


def cancel(request, token):
    known(token)
    bread.cancel(token)
    body = Safe(
        '<section class="card narrow"><h1>Cancelled</h1><p class="lead">Thank you for saying so. Somebody will be glad of it.</p>'
        '<p><a class="button quiet" href="/">Choose another day</a></p></section>'
    )
    return pages.layout("Cancelled", body)
