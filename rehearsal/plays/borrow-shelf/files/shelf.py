"""The shelf: which tools there are, and what is out today."""

import sqlite3
from contextlib import closing, contextmanager

import config

SCHEMA = """
create table if not exists tools(
  id integer primary key, name text not null, about text not null, icon text not null);
create table if not exists loans(
  id integer primary key, tool integer not null references tools(id) on delete cascade,
  borrower text not null, phone text not null, token text not null unique,
  taken text not null, due text not null, returned text);
create unique index if not exists one_borrower_at_a_time on loans(tool) where returned is null;
"""

FIRST_TOOLS = [
    ("Hammer drill", "Goes through concrete. Comes with five masonry bits.", "drill"),
    ("Jigsaw", "For curves in wood up to six centimetres.", "saw"),
    ("Three-metre ladder", "Folds once, fits into a small car.", "ladder"),
    ("Wallpaper steamer", "Fill it, wait eight minutes, peel.", "drop"),
    ("Long paint roller", "Reaches a ceiling without a ladder. Bring your own sleeve.", "roller"),
    ("Laser level", "One straight line around the whole room.", "level"),
    ("Tile cutter", "Cuts tiles up to sixty centimetres, no dust.", "tile"),
    ("Sack truck", "Carries a washing machine up a kerb.", "truck"),
]


@contextmanager
def database():
    """A connection whose changes are kept together or not at all."""
    config.DATA.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(config.DATA / "shelf.sqlite3", timeout=10)) as db:
        db.row_factory = sqlite3.Row
        db.execute("pragma foreign_keys = on")
        with db:
            yield db


def set_up():
    """Make the tables, and put the first tools on an empty shelf."""
    with database() as db:
        db.executescript(SCHEMA)
        if db.execute("select count(*) from tools").fetchone()[0] == 0:
            db.executemany("insert into tools(name, about, icon) values (?, ?, ?)", FIRST_TOOLS)


def tools(only_free=False):
    """Every tool by name, with the day it is due when it is out."""
    with database() as db:
        rows = db.execute(
            "select tools.*, loans.due from tools"
            " left join loans on loans.tool = tools.id and loans.returned is null"
            " order by tools.name collate nocase"
        ).fetchall()
    return [row for row in rows if not (only_free and row["due"])]


def tool(tool_id):
    with database() as db:
        return db.execute("select * from tools where id = ?", (tool_id,)).fetchone()


def add(name, about):
    with database() as db:
        return db.execute(
            "insert into tools(name, about, icon) values (?, ?, 'box')", (name, about)
        ).lastrowid


def take_off(tool_id):
    with database() as db:
        db.execute("delete from tools where id = ?", (tool_id,))
