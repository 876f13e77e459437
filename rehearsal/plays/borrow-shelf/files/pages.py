"""What visitors see: the shop's frame around every page, and the shelf itself."""

from datetime import date

import config
from frame import drawing, frame
from web import Safe, markup, spoken

ICONS = {
    "drill": "M3 6.5h11v5.5H3zM14 8h3v2.5h-3M17 9.3h4.5M5.5 12 4 19.5h4.5L10 12",
    "saw": "M4 12.5V9a4 4 0 0 1 4-4h9v7.5M3 12.5h18M17 7.5h2.5M9 15.5V20l2.5-2v-2.5",
    "tile": "M4 4h16v16H4zM4 12h16M12 4v8M8 20l7.5-8",
    "ladder": "M8.5 3 6 21M15.5 3 18 21M8 7h8M7.5 11h9M6.9 15h10.2M6.4 19h11.2",
    "roller": "M4 4h13v5H4zM17 6.5h3.5V12H12v3M10.5 15h3v6h-3z",
    "drop": "M12 3c3.6 4.6 5.5 7.3 5.5 10.4a5.5 5.5 0 0 1-11 0C6.5 10.3 8.4 7.6 12 3zM9.5 13.5a2.6 2.6 0 0 0 2.4 2.6",
    "level": "M2.5 8.5h19v7h-19zM9 8.5v7M15 8.5v7M10.8 12h2.4",
    "truck": "M4 3.5h2.5l4 13H19M9.2 12.5l8-2.5-1.8-6-8 2.4M11.5 18.8a2 2 0 1 1-4 0 2 2 0 0 1 4 0",
    "box": "M4 8h16v12H4zM4 8l2.5-4h11L20 8M9.5 12h5",
    "shelf": "M3 20V4M21 20V4M3 12h18M3 19h18M6.5 12V7h4v5M14 12l1.5-6 3 .8-1.3 5.2M7 19v-4h7v4",
}


def icon(name):
    return drawing(ICONS.get(name, ICONS["box"]))


def layout(title, body):
    return frame(
        title,
        body,
        name="Borrow Shelf",
        mark=ICONS["shelf"],
        links=[("/", "The shelf"), ("/keeper", "For Marta")],
        foot=f"A shelf at the back of {config.SHOP}. Lending is free; bring things back clean,"
        " and say so if something broke. It happens.",
    )


def front(tools, only_free):
    free = sum(1 for each in tools if not each["due"])
    body = markup(
        """<div class="opening"><div class="hero">
<p class="eyebrow">$shop</p>
<h1>Tools you need once a year</h1>
<p class="lead">Borrow them from the shelf at the back, for up to $days days, free of charge.
Today $free of them can go home with you.</p>
</div><div class="boards" aria-hidden="true">$boards</div></div>
<div class="row between shelf-head"><h2>On the shelf</h2><div class="row chips">
<a class="chip" href="/"$all>Everything</a><a class="chip" href="/?show=free"$some>Free today</a></div></div>
<ul class="grid tools">$cards</ul>""",
        shop=config.SHOP,
        days=config.LONGEST_DAYS,
        free=free,
        boards=[board("drill", "box", "level"), board("roller", "truck", "saw", "ladder")],
        all=Safe("" if only_free else ' aria-current="true"'),
        some=Safe(' aria-current="true"' if only_free else ""),
        cards=[card(each) for each in tools]
        or Safe('<li class="empty">Everything is out today. Look in tomorrow.</li>'),
    )
    return layout("The shelf", body)


def board(*names):
    """One board of the drawn shelf, with things standing on it."""
    return markup("<div>$things</div>", things=[icon(each) for each in names])


def card(tool):
    return markup(
        """<li class="card tool"><span class="tile">$icon</span>
<div><h3>$name</h3><p class="muted">$about</p>$badge</div></li>""",
        icon=icon(tool["icon"]),
        name=tool["name"],
        about=tool["about"],
        badge=badge(tool["due"]),
    )


def badge(due):
    if not due:
        return Safe('<span class="badge good">Free today</span>')
    day = date.fromisoformat(due)
    if day < date.today():
        return Safe('<span class="badge warm">Out, back soon</span>')
    return markup('<span class="badge warm">Back $day</span>', day=spoken(day, date.today()))
