"""The baker's page: the list for a day, ready to print, and the limit. Opens with the bakery's code."""

from datetime import date

import bread
import config
import pages
from gate import Gate
from web import Refused, Response, Safe, choice_field, markup, redirect, spoken, text_field

gate = Gate(config.DATA, config.BAKER_CODE, "/baker")
WELCOME = ("Good evening", "Type the bakery's code to see who wants bread.")


def open_at(app):
    app.get("/baker")(list_page)
    app.post("/baker/code")(try_code)
    app.post("/baker/limit")(set_limit)
    app.post("/baker/remove/{token}")(remove)


def only_the_baker(request):
    if not gate.is_open(request):
        raise Refused("This is for the baker. Please type the bakery's code first.", 403)


def try_code(request):
    if opened := gate.try_code(request):
        return opened
    return Response(pages.layout("For the baker", gate.form(*WELCOME, "That is not the code.")), 403)


def chosen_day(text, today):
    return next((day for day in [today, *bread.days(today)] if day.isoformat() == text), bread.days(today)[0])


def list_page(request):
    if not gate.is_open(request):
        return pages.layout("For the baker", gate.form(*WELCOME))
    today = date.today()
    bread.forget(today)
    return pages.layout("The list", day_page(chosen_day(request.query.get("day"), today), today))


def day_page(day, today):
    limit, taken = bread.overview(day)
    rows = [row(each) for each in bread.list_for(day)]
    return markup(
        """<div class="no-print days-nav">$tabs</div>
<div class="two baker"><section class="card list-card"><p class="eyebrow">$when</p><h1>$taken of $limit loaves are spoken for</h1>$table
<p class="muted no-print">Print this page from the menu of your browser: only the list comes out.</p></section>
<section class="card no-print"><h2>How many may be reserved?</h2>$form</section></div>""",
        tabs=[tab(each, day, today) for each in [today, *bread.days(today)]],
        when=f"{day:%A} {day.day} {day:%B}",
        taken=taken,
        limit=limit,
        table=markup(
            "<table><thead><tr><th>Phone</th><th>Loaves</th><th><span class='paper'>Fetched</span></th></tr></thead><tbody>$rows</tbody></table>",
            rows=rows,
        )
        if rows
        else Safe('<p class="empty">Nobody yet.</p>'),
        form=limit_form(day, limit, today),
    )


def tab(day, chosen, today):
    return markup(
        '<a class="chip" href="/baker?day=$iso"$on>$words</a>',
        iso=day.isoformat(),
        on=Safe(' aria-current="true"' if day == chosen else ""),
        words=spoken(day, today) if (day - today).days < 2 else f"{day:%a} {day.day}",
    )


def row(each):
    return markup(
        """<tr><td>$phone</td><td><b>$loaves</b></td><td><span class="box" aria-hidden="true"></span>
<form class="inline" method="post" action="/baker/remove/$token"><button class="small quiet">Remove</button></form></td></tr>""",
        phone=each["phone"],
        loaves=each["loaves"],
        token=each["token"],
    )


def limit_form(day, limit, today):
    scopes = [("day", f"only {spoken(day, today)}"), ("every", "every day")]
    hint = "Those who have already reserved keep their bread. Empty: back to the usual number."
    return markup(
        '<form method="post" action="/baker/limit"><input type="hidden" name="day" value="$day">$number$scope<button>Save</button></form>',
        day=day.isoformat(),
        number=text_field(
            "Loaves", "loaves", limit, hint=hint, type="number", min="0", max="999", inputmode="numeric"
        ),
        scope=choice_field("For", "scope", scopes),
    )


def set_limit(request):
    only_the_baker(request)
    loaves = request.text("loaves", 4)
    if loaves and not (loaves.isdecimal() and int(loaves) <= 999):
        raise Refused("The limit is a number between 0 and 999.", 422)
    day = chosen_day(request.form.get("day"), date.today())
    bread.set_limit(None if request.text("scope") == "every" else day, int(loaves) if loaves else None)
    return redirect(f"/baker?day={day.isoformat()}")


def remove(request, token):
    only_the_baker(request)
    found = bread.reservation(token)
    bread.cancel(token)
    return redirect(f"/baker?day={found['day']}" if found else "/baker")
