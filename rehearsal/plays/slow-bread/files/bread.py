"""Loaves that are spoken for: a limit for each day, two for each person, and names of nobody."""

import secrets
from datetime import timedelta

import config
from store import database, writing

EVERY_DAY = ""

SCHEMA = """
create table if not exists reservations(
  id integer primary key, token text not null unique, day text not null,
  phone text not null, person text not null, loaves integer not null, made text not null);
create index if not exists by_day on reservations(day);
create table if not exists limits(day text primary key, loaves integer not null);
"""


class SoldOut(Exception):
    """Not that many loaves are left on this day."""

    def __init__(self, left):
        super().__init__(f"{left} left")
        self.left = left


class EnoughAlready(Exception):
    """This phone number has its loaves for the day."""


def set_up():
    """Make the tables; True when nobody has reserved anything yet."""
    with database() as db:
        db.executescript(SCHEMA)
        return db.execute("select count(*) from reservations").fetchone()[0] == 0


def days(today):
    """The days a loaf can be reserved for, tomorrow first."""
    return [today + timedelta(days=n) for n in range(1, config.DAYS_AHEAD + 1)]


def limit(day, db):
    """The number for this day, else the one for every day."""
    row = db.execute(
        "select loaves from limits where day in (?, ?) order by day desc", (day.isoformat(), EVERY_DAY)
    ).fetchone()
    return row["loaves"] if row else config.USUAL_LIMIT


def set_limit(day, loaves):
    """`day` None means every day; `loaves` None takes the number away again."""
    key = day.isoformat() if day else EVERY_DAY
    with database() as db:
        if loaves is None:
            db.execute("delete from limits where day = ?", (key,))
        else:
            db.execute("insert or replace into limits(day, loaves) values (?, ?)", (key, loaves))


def spoken_for(day, db):
    query = "select coalesce(sum(loaves), 0) from reservations where day = ?"
    return db.execute(query, (day.isoformat(),)).fetchone()[0]


def overview(day):
    """The day's limit, and how many loaves are spoken for."""
    with database() as db:
        return limit(day, db), spoken_for(day, db)


def person(phone):
    """The same telephone however it is written: its last nine digits."""
    return "".join(each for each in phone if each.isdigit())[-9:]


def problems(answers, today):
    """What is wrong with a filled-in form, by field."""
    found = {}
    if len(person(answers["phone"])) < 6:
        found["phone"] = "Please give a phone number; it is how we know which loaf is yours."
    if answers["day"] not in [day.isoformat() for day in days(today)]:
        found["day"] = "Please choose a day."
    if answers["loaves"] not in [str(n + 1) for n in range(config.PER_PERSON)]:
        found["loaves"] = f"{config.PER_PERSON} loaves at most, please."
    return found


def reserve(phone, day, loaves, today):
    """Count and write in one transaction, so that the last loaf goes to one person only."""
    token = secrets.token_urlsafe(12)
    with writing() as db:
        own = db.execute(
            "select coalesce(sum(loaves), 0) from reservations where day = ? and person = ?",
            (day.isoformat(), person(phone)),
        ).fetchone()[0]
        if own + loaves > config.PER_PERSON:
            raise EnoughAlready
        left = max(limit(day, db) - spoken_for(day, db), 0)
        if loaves > left:
            raise SoldOut(left)
        db.execute(
            "insert into reservations(token, day, phone, person, loaves, made) values (?, ?, ?, ?, ?, ?)",
            (token, day.isoformat(), phone, person(phone), loaves, today.isoformat()),
        )
    return token


def reservation(token):
    with database() as db:
        return db.execute("select * from reservations where token = ?", (token,)).fetchone()


def cancel(token):
    with database() as db:
        db.execute("delete from reservations where token = ?", (token,))


def list_for(day):
    with database() as db:
        return db.execute(
            "select * from reservations where day = ? order by id", (day.isoformat(),)
        ).fetchall()


def forget(today):
    """After thirty days no phone number is here any more; the number of loaves stays."""
    before = (today - timedelta(days=config.KEEP_DAYS)).isoformat()
    with database() as db:
        db.execute("update reservations set phone = '', person = '' where day < ? and phone <> ''", (before,))


def show_examples(today):
    """A few invented reservations, so that a new list shows what it will look like in use."""
    for n, loaves in enumerate((1, 2, 1, 1, 2)):
        reserve(f"030 555 01{n}0 (example)", days(today)[0], loaves, today)
