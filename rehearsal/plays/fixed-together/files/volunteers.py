"""The volunteers' list by skill, with one tap for each outcome. Opens with the code on the poster."""

from datetime import datetime
from urllib.parse import urlencode

import config
import pages
import repairs
from gate import Gate
from web import Refused, Response, Safe, markup, redirect, spoken

gate = Gate(config.DATA, config.VOLUNTEER_CODE, "/volunteers")
WELCOME = ("Hello, volunteer", "Type the code from the poster in the back room.")


def open_at(app):
    app.get("/volunteers")(list_page)
    app.post("/volunteers/code")(try_code)
    app.post("/volunteers/{request_id}/remove")(remove)
    app.post("/volunteers/{request_id}/{status}")(mark)


def only_volunteers(request):
    if not gate.is_open(request):
        raise Refused("This is for the volunteers. Please type the code from the poster first.", 403)


def try_code(request):
    if opened := gate.try_code(request):
        return opened
    return Response(pages.layout("Volunteers", gate.form(*WELCOME, "That is not the code.")), 403)


def list_page(request):
    if not gate.is_open(request):
        return pages.layout("Volunteers", gate.form(*WELCOME))
    now = datetime.now()
    repairs.forget(now.date())
    days = repairs.cafes(now)
    day = next((each for each in days if each.isoformat() == request.query.get("day")), days[0])
    groups = repairs.by_skill(day)
    body = markup(
        """<div class="hero"><p class="eyebrow">$when</p><h1>What is coming</h1>
<p class="lead">$count, sorted by what you need to know to fix them.</p><p class="row">$tabs</p></div><div class="stack">$groups</div>""",
        when=spoken(day, now.date()),
        tabs=[tab(each, day, now.date()) for each in days] if len(days) > 1 else Safe(),
        count=counted(sum(len(each) for each in groups.values())),
        groups=[group(skill, found) for skill, found in groups.items()]
        or Safe('<p class="empty">Nothing yet.</p>'),
    )
    return pages.layout("What is coming", body)


def tab(day, chosen, today):
    return markup(
        '<a class="chip" href="/volunteers?day=$iso"$on>$words</a>',
        iso=day.isoformat(),
        on=Safe(' aria-current="true"' if day == chosen else ""),
        words=spoken(day, today),
    )


def counted(number):
    return "One thing" if number == 1 else f"{number} things"


def group(skill, found):
    return markup(
        '<section class="card" id="$id"><h2>$skill</h2><ul class="list">$rows</ul></section>',
        id=skill,
        skill=config.SKILLS[skill].split(":")[0],
        rows=[row(each) for each in found],
    )


def row(request):
    taps = [tap(request, status, words) for status, words in config.STATUSES.items() if status != "waiting"]
    photo = markup(' · <a href="$url" rel="noopener nofollow noreferrer">Photo</a>', url=request["photo"])
    return markup(
        """<li id="r$id"><div class="row between"><div class="what"><h3><span class="time">$slot</span> $item</h3>
<p>$fault</p><p class="muted">$name · $phone$photo</p></div>
<div class="row taps">$taps<details><summary>More</summary><form class="inline" method="post"
action="/volunteers/$id/remove?day=$day"><button class="small quiet">Remove</button></form></details></div></div></li>""",
        id=request["id"],
        slot=request["slot"],
        item=request["item"],
        fault=request["fault"],
        day=request["day"],
        name=request["name"],
        phone=request["phone"],
        photo=photo if request["photo"] else Safe(),
        taps=taps,
    )


def tap(request, status, words):
    chosen = request["status"] == status
    return markup(
        """<form class="inline" method="post" action="/volunteers/$id/$next?day=$day"><button class="small $tone" aria-pressed="$on">$words</button></form>""",
        id=request["id"],
        day=request["day"],
        next="waiting" if chosen else status,
        tone="" if chosen else "quiet",
        on="true" if chosen else "false",
        words=words,
    )


def mark(request, request_id, status):
    """One tap sets an outcome; a tap on the outcome that is set takes it back."""
    only_volunteers(request)
    if status not in config.STATUSES:
        raise Refused("There is no such outcome.", 404)
    repairs.mark(request_id, status)
    return redirect(f"{back(request)}#r{request_id}")


def remove(request, request_id):
    only_volunteers(request)
    repairs.remove(request_id)
    return redirect(back(request))


def back(request):
    """The list of the day where the tap was made."""
    return "/volunteers?" + urlencode({"day": request.query.get("day", "")})
