"""The borrowing form, and the slip that says until when."""

from datetime import date

import borrowing
import config
import pages
import shelf
from web import Refused, Response, Safe, choice_field, markup, redirect, sentence, spoken, text_field


def open_at(app):
    app.get("/tools/{tool_id}")(show)
    app.post("/tools/{tool_id}/borrow")(borrow)
    app.get("/loans/{token}")(slip)


def wanted(tool_id):
    tool = shelf.tool(tool_id)
    if tool is None:
        raise Refused("This tool is no longer on the shelf.", 404)
    return tool


def show(request, tool_id):
    return tool_page(wanted(tool_id), {"name": "", "phone": "", "due": ""}, {})


def borrow(request, tool_id):
    tool = wanted(tool_id)
    answers = {name: request.text(name) for name in ("name", "phone", "due")}
    if wrong := borrowing.problems(answers, date.today()):
        return Response(tool_page(tool, answers, wrong), 422)
    try:
        return redirect(f"/loans/{borrowing.borrow(tool['id'], answers, date.today())}")
    except borrowing.AlreadyOut as taken:
        raise Refused(
            f"Somebody was a moment faster: the {tool['name'].lower()} has just been borrowed.", 409
        ) from taken


def tool_page(tool, answers, wrong):
    loan = borrowing.current_loan(tool["id"])
    body = markup(
        """<div class="two tool-page"><div>
<p><a href="/">← The whole shelf</a></p>
<span class="tile big">$icon</span><h1>$name</h1><p class="lead">$about</p>$badge</div>$side</div>""",
        icon=pages.icon(tool["icon"]),
        name=tool["name"],
        about=tool["about"],
        badge=pages.badge(loan["due"] if loan else ""),
        side=out_card(loan) if loan else form(tool, answers, wrong),
    )
    return pages.layout(tool["name"], body)


def out_card(loan):
    day = date.fromisoformat(loan["due"])
    when = f"back {spoken(day, date.today())}" if day >= date.today() else "back any day now"
    return markup(
        '<section class="card"><h2>It is out</h2><p>Somebody is using it. It should be $when.</p></section>',
        when=when,
    )


def form(tool, answers, wrong):
    today = date.today()
    days = [(day.isoformat(), sentence(spoken(day, today))) for day in borrowing.days_to_choose(today)]
    return markup(
        """<section class="card"><h2>Take it home</h2>$rule
<form method="post" action="/tools/$id/borrow" novalidate>$who$due<button>Borrow it</button></form></section>""",
        rule=markup('<p class="notice">$rule</p>', rule=config.HOUSE_RULE) if config.HOUSE_RULE else Safe(),
        id=tool["id"],
        who=who_fields(answers, wrong),
        due=choice_field(
            "I bring it back by", "due", days, answers["due"] or days[2][0], wrong.get("due", "")
        ),
    )


def who_fields(answers, wrong):
    """Ask for exactly what the shop decided to ask for."""
    name = text_field(
        "Your name",
        "name",
        answers["name"],
        wrong.get("name", ""),
        "Only Marta sees it.",
        autocomplete="name",
    )
    if config.BORROWER == "name_and_phone":
        hint = "For the day somebody else is waiting for it."
        phone = text_field(
            "Phone number",
            "phone",
            answers["phone"],
            wrong.get("phone", ""),
            hint,
            type="tel",
            autocomplete="tel",
        )
        return [name, phone]
    if config.BORROWER == "name_only":
        return [name]
    return [Safe('<p class="muted">We ask for nothing here. You get a pick-up word to say at the till.</p>')]


def slip(request, token):
    loan = borrowing.loan(token)
    if loan is None:
        raise Refused("We do not know this slip.", 404)
    if loan["returned"]:
        words = markup("<p class='lead'>You brought it back. Thank you!</p>")
    else:
        until = spoken(date.fromisoformat(loan["due"]), date.today())
        words = markup(
            "<p class='lead'>Please bring it back by <strong>$until</strong>.</p>$who",
            until=until,
            who=who_line(loan),
        )
    body = markup(
        """<section class="card narrow slip"><p class="eyebrow">Your slip</p><h1>$name</h1>$words
<p><a class="button quiet" href="/">Back to the shelf</a></p></section>""",
        name=loan["name"],
        words=words,
    )
    return pages.layout("Your slip", body)


def who_line(loan):
    if config.BORROWER == "pickup_word":
        return markup(
            "<p>Say <strong class='word'>$word</strong> at the till and it is yours.</p>",
            word=loan["borrower"],
        )
    return markup(
        "<p>It is waiting at the till for $name. Show this page if we are busy.</p>", name=loan["borrower"]
    )
