"""Taking a tool home and bringing it back. One tool, one borrower at a time."""

import secrets
import sqlite3
from datetime import date, timedelta

import config
import shelf

COLOURS = ["amber", "blue", "copper", "green", "ivory", "ruby", "silver", "violet"]
ANIMALS = ["badger", "finch", "heron", "otter", "robin", "stoat", "swallow", "wren"]


class AlreadyOut(Exception):
    """Somebody else has this tool."""


def current_loan(tool_id):
    """The loan of a tool that is out, or nothing when it is free."""
    with shelf.database() as db:
        return db.execute(
            "select * from loans where tool = ? and returned is null and due >= date('now')", (tool_id,)
        ).fetchone()


def days_to_choose(today):
    return [today + timedelta(days=each) for each in range(1, config.LONGEST_DAYS + 1)]


def problems(answers, today):
    """What is wrong with a filled-in form, by field; the rules follow config.BORROWER."""
    found = {}
    if config.BORROWER != "pickup_word" and len(answers["name"]) < 2:
        found["name"] = "Please tell us your name."
    if config.BORROWER == "name_and_phone" and sum(each.isdigit() for each in answers["phone"]) < 6:
        found["phone"] = "Please give a number we can reach you on."
    if answers["due"] not in [day.isoformat() for day in days_to_choose(today)]:
        found["due"] = f"Please choose a day within the next {config.LONGEST_DAYS} days."
    return found


def borrow(tool_id, answers, today):
    """Write the loan down; of two people at the same moment the database lets one through."""
    if current_loan(tool_id):
        raise AlreadyOut
    name = answers["name"] if config.BORROWER != "pickup_word" else pickup_word()
    phone = answers["phone"] if config.BORROWER == "name_and_phone" else ""
    token = secrets.token_urlsafe(12)
    try:
        with shelf.database() as db:
            db.execute(
                "insert into loans(tool, borrower, phone, token, taken, due) values (?, ?, ?, ?, ?, ?)",
                (tool_id, name, phone, token, today.isoformat(), answers["due"]),
            )
    except sqlite3.IntegrityError as taken:
        raise AlreadyOut from taken
    return token


def pickup_word():
    return f"{secrets.choice(COLOURS)} {secrets.choice(ANIMALS)}"


def been_used():
    with shelf.database() as db:
        return db.execute("select count(*) from loans").fetchone()[0] > 0


def lend_examples(today):
    """Two invented loans, so that a shelf nobody has used yet shows what out and late look like."""
    if been_used():
        return
    by_name = {each["name"]: each["id"] for each in shelf.tools()}
    for tool, name, taken, due in (
        ("Three-metre ladder", "Jonas (example)", 2, 3),
        ("Laser level", "Ines (example)", 8, -1),
    ):
        answers = {"name": name, "phone": "", "due": (today + timedelta(days=due)).isoformat()}
        borrow(by_name[tool], answers, today - timedelta(days=taken))


def loan(token):
    with shelf.database() as db:
        return db.execute(
            "select loans.*, tools.name from loans join tools on tools.id = loans.tool where token = ?",
            (token,),
        ).fetchone()


def out_now():
    """Every loan that is out, the latest debts first."""
    with shelf.database() as db:
        return db.execute(
            "select loans.*, tools.name from loans join tools on tools.id = loans.tool"
            " where returned is null order by due, tools.name"
        ).fetchall()


def bring_back(loan_id, today=None):
    """The tool is back. Name and number are no longer needed, so they go."""
    with shelf.database() as db:
        db.execute(
            "update loans set returned = ?, borrower = '', phone = '' where id = ? and returned is null",
            ((today or date.today()).isoformat(), loan_id),
        )
