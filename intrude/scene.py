"""Who is there, what there is to get, and where to tell of it."""

from dataclasses import dataclass
from pathlib import Path

from intrude.people import People, Things
from intrude.report import Report
from intrude.routes import Route
from intrude.site import Site, Visitor


@dataclass
class Scene:
    site: Site
    report: Report
    people: People
    routes: list[Route]
    victim: Visitor
    stranger: Visitor
    roles: list[Visitor]  # everybody but the victim
    things: Things
    data_dir: Path | None = None  # of an install on this machine
    is_quick: bool = False
    is_debug: bool = False  # then private webhooks are allowed

    @property
    def nobody(self) -> Visitor:
        return Visitor("nobody", self.site)
