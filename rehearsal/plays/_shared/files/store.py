"""The app's one database file."""

import sqlite3
from contextlib import closing, contextmanager

import config


@contextmanager
def database():
    """A connection in autocommit; whoever needs a transaction begins it."""
    config.DATA.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(config.DATA / "app.sqlite3", timeout=10, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        yield db


@contextmanager
def writing():
    """One writer at a time, from the first look to the last change."""
    with database() as db:
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")
