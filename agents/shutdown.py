"""A worker that is asked to stop lets each loop finish its half-step and hands the sessions back."""

from threading import Event

_requested = Event()


class HandBack(Exception):
    """The worker stops; the session goes to whichever is free."""


def request() -> None:
    _requested.set()


def forget() -> None:
    """Work goes on in this process: only its connection to the queue was lost."""
    _requested.clear()


def is_requested() -> bool:
    return _requested.is_set()


def hand_back_if_stopping() -> None:
    if _requested.is_set():
        raise HandBack
