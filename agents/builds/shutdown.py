"""Stopping a worker: each loop finishes its current half-step, and its session returns to the queue."""

from threading import Event

from agents.stops import HandBack

_requested = Event()


def request() -> None:
    _requested.set()


def forget() -> None:
    """Go on working in this process: only its connection to the queue was lost."""
    _requested.clear()


def is_requested() -> bool:
    return _requested.is_set()


def hand_back_if_stopping() -> None:
    if _requested.is_set():
        raise HandBack
