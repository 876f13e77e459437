"""Marta's own list: what is out, what is late, and what stands on the shelf."""

from datetime import date

import borrowing
import config
import pages
import shelf
from gate import Gate
from web import Refused, Response, Safe, markup, redirect, spoken, text_field

gate = Gate(config.DATA, config.KEEPER_CODE, "/keeper")


def open_at(app):
    app.get("/keeper")(list_page)
    app.post("/keeper/code")(try_code)
    app.post("/keeper/back/{loan_id}")(back)
    app.post("/keeper/tools")(add)
    app.post("/keeper/tools/{tool_id}/off")(take_off)


def only_marta(request):
    if not gate.is_open(request):
        raise Refused("This page is for the shop. Please type the shop's code first.", 403)


def list_page(request):
    if not gate.is_open(request):
        return pages.layout(
            "For Marta", gate.form("Hello Marta", "Type the shop's code to see who has what.")
        )
    return pages.layout("What is out", out_list(date.today()))


def try_code(request):
    if opened := gate.try_code(request):
        return opened
    again = gate.form("Hello Marta", "Type the shop's code to see who has what.", "That is not the code.")
    return Response(pages.layout("For Marta", again), 403)


def back(request, loan_id):
    only_marta(request)
    borrowing.bring_back(loan_id)
    return redirect("/keeper")


def add(request):
    only_marta(request)
    name = request.text("name", 60)
    if len(name) < 2:
        raise Refused("A tool needs a name.", 422)
    shelf.add(name, request.text("about", 120))
    return redirect("/keeper#shelf")


def take_off(request, tool_id):
    only_marta(request)
    if any(str(each["tool"]) == tool_id for each in borrowing.out_now()):
        raise Refused("This tool is out. It can leave the shelf when it is back.", 409)
    shelf.take_off(tool_id)
    return redirect("/keeper#shelf")


def out_list(today):
    loans = borrowing.out_now()
    late = [each for each in loans if each["due"] < today.isoformat()]
    return markup(
        """<div class="hero"><p class="eyebrow">For Marta</p><h1>What is out</h1>
<p class="lead">$out out, $late late.</p></div>
<div class="two"><section class="card"><h2>Who has what</h2>$loans</section>
<section class="card" id="shelf"><h2>On the shelf</h2><ul class="list">$tools</ul>
<h3 class="gap">Put another tool on the shelf</h3>
<form method="post" action="/keeper/tools">$name$about<button class="quiet">Put it there</button></form></section></div>""",
        out=f"{len(loans)} tool{'' if len(loans) == 1 else 's'}",
        late=len(late) or "none",
        loans=markup('<ul class="list">$rows</ul>', rows=[loan_row(each, today) for each in loans])
        if loans
        else Safe('<p class="empty">Everything is on the shelf.</p>'),
        tools=[tool_row(each) for each in shelf.tools(only_free=True)],
        name=text_field("What it is", "name", maxlength="60"),
        about=text_field("One sentence about it", "about", maxlength="120"),
    )


def loan_row(loan, today):
    due = date.fromisoformat(loan["due"])
    days = (today - due).days
    late = days > 0
    words = f"{days} day{'' if days == 1 else 's'} late" if late else f"Back {spoken(due, today)}"
    return markup(
        """<li><div class="row between"><div><h3>$tool</h3><p class="muted who">$who $phone</p>
<span class="badge $tone">$words</span></div>
<form class="inline" method="post" action="/keeper/back/$id"><button class="small">It is back</button></form></div></li>""",
        tool=loan["name"],
        who=loan["borrower"],
        phone=markup('· <a href="tel:$n">$n</a>', n=loan["phone"]) if loan["phone"] else Safe(),
        tone="warm" if late else "good",
        words=words,
        id=loan["id"],
    )


def tool_row(tool):
    return markup(
        """<li><div class="row between"><span>$name</span><form class="inline" method="post"
action="/keeper/tools/$id/off"><button class="quiet small">Take off</button></form></div></li>""",
        name=tool["name"],
        id=tool["id"],
    )
