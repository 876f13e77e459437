"""Requests and slots: never more than four for a slot, names gone after thirty days, counts kept."""

import secrets
from datetime import date, datetime, timedelta

import config
from store import database, writing

SCHEMA = """
create table if not exists requests(
  id integer primary key, token text not null unique, day text not null, slot text not null,
  item text not null, fault text not null, skill text not null, photo text not null,
  name text not null, phone text not null, status text not null default 'waiting', made text not null);
create index if not exists by_slot on requests(day, slot);
"""


class SlotFull(Exception):
    """All places of the slot are taken."""


def set_up():
    """Make the table; True when nobody has asked for anything yet."""
    with database() as db:
        db.executescript(SCHEMA)
        return db.execute("select count(*) from requests").fetchone()[0] == 0


def saturday(today):
    """Today when it is one, else the next."""
    return today + timedelta(days=(5 - today.weekday()) % 7)


def next_saturday(now):
    """The café that can be booked: this Saturday's until its doors open, else the one after it."""
    day = saturday(now.date())
    is_open = day == now.date() and now.time() >= config.FIRST_SLOT
    return day + timedelta(days=7) if is_open else day


def cafes(now):
    """The days volunteers look at: the café that is open or comes next, and the one that can be booked."""
    return sorted({saturday(now.date()), next_saturday(now)})


def slots():
    first = datetime.combine(date.min, config.FIRST_SLOT)
    return [f"{first + timedelta(minutes=config.SLOT_MINUTES * n):%H:%M}" for n in range(config.SLOTS)]


def free_places(day):
    """Places left in each slot of a day."""
    with database() as db:
        rows = db.execute(
            "select slot, count(*) from requests where day = ? group by slot", (day.isoformat(),)
        )
        taken = dict(tuple(row) for row in rows)
    return {slot: max(config.PLACES - taken.get(slot, 0), 0) for slot in slots()}


def next_free(day, wanted):
    """The nearest free slot after the wanted one, else the first free one of the day."""
    free = [slot for slot, places in free_places(day).items() if places]
    return next((slot for slot in free if slot > wanted), free[0] if free else None)


def book(answers, day, made):
    """Count and write in one transaction, so that two people at the same moment cannot both get the last place."""
    token = secrets.token_urlsafe(12)
    with writing() as db:
        taken = db.execute(
            "select count(*) from requests where day = ? and slot = ?", (day.isoformat(), answers["slot"])
        ).fetchone()[0]
        if taken >= config.PLACES:
            raise SlotFull
        db.execute(
            "insert into requests(token, day, slot, item, fault, skill, photo, name, phone, made)"
            " values (:token, :day, :slot, :item, :fault, :skill, :photo, :name, :phone, :made)",
            {**answers, "token": token, "day": day.isoformat(), "made": made.isoformat()},
        )
    return token


def problems(answers):
    """What is wrong with a filled-in form, by field."""
    found = {}
    if len(answers["item"]) < 2:
        found["item"] = "Please say what you bring."
    if len(answers["fault"]) < 4:
        found["fault"] = "Please say in a few words what is wrong with it."
    if answers["skill"] not in config.SKILLS:
        found["skill"] = "Please choose what comes closest."
    if answers["photo"] and not answers["photo"].lower().startswith(("https://", "http://")):
        found["photo"] = "A link begins with https:// . You can also leave it empty."
    if len(answers["name"]) < 2:
        found["name"] = "Please tell us your name."
    if sum(each.isdigit() for each in answers["phone"]) < 6:
        found["phone"] = "Please give a number, in case something changes."
    if answers["slot"] not in slots():
        found["slot"] = "Please choose a time."
    return found


def request(token):
    with database() as db:
        return db.execute("select * from requests where token = ?", (token,)).fetchone()


def by_skill(day):
    """What comes on a day: every skill with its requests, in the order of their slots."""
    with database() as db:
        rows = db.execute(
            "select * from requests where day = ? order by slot, id", (day.isoformat(),)
        ).fetchall()
    return {
        skill: found for skill in config.SKILLS if (found := [row for row in rows if row["skill"] == skill])
    }


def mark(request_id, status):
    with database() as db:
        db.execute("update requests set status = ? where id = ?", (status, request_id))


def remove(request_id):
    with database() as db:
        db.execute("delete from requests where id = ?", (request_id,))


def counts():
    """How many things ended how, over all Saturdays."""
    with database() as db:
        rows = db.execute("select status, count(*) from requests group by status")
        return {**dict.fromkeys(config.STATUSES, 0), **dict(tuple(row) for row in rows)}


def forget(today):
    """After thirty days nobody's name, number or photo is here any more; what was counted stays counted."""
    limit = (today - timedelta(days=config.KEEP_DAYS)).isoformat()
    with database() as db:
        db.execute(
            "update requests set name = '', phone = '', photo = '' where made < ? and name <> ''", (limit,)
        )


EXAMPLES = [
    ("10:00", "Toaster", "Does not stay down", "electrical"),
    ("10:00", "Winter coat", "The zip is stuck halfway", "textile"),
    ("10:20", "Desk lamp", "Flickers when it is moved", "electrical"),
    ("10:40", "Child's bicycle", "The chain jumps off", "bicycle"),
    ("11:00", "Kitchen chair", "One leg is loose", "wood"),
]


def show_examples(now):
    """A few invented requests, so that a new list shows what it will look like in use."""
    for slot, item, fault, skill in EXAMPLES:
        answers = {"slot": slot, "item": item, "fault": fault, "skill": skill, "photo": ""}
        book({**answers, "name": "Example", "phone": "030 555 0100"}, next_saturday(now), now.date())
