"""`python -m intrude URL`: try to get in, print what was tried and what was found.

Exit code 0: nothing was found. 1: something was. 2: the walk could not be carried out.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from intrude.people import Mails, People, possessions
from intrude.report import Report
from intrude.routes import described, table
from intrude.scene import Scene
from intrude.site import Site, Unreachable, Visitor, opened
from intrude.walks import access, disk, elsewhere, forgery, inward, nonsense, passwords, sessions, sockets

# Guessing passwords comes late, as it ends everybody's sign-ins from here for a minute; the disk comes last.
WALKS = {
    "access": access.walk,
    "forgery": forgery.walk,
    "inward": inward.walk,
    "nonsense": nonsense.walk,
    "elsewhere": elsewhere.walk,
    "sockets": sockets.walk,
    "sessions": sessions.walk,
    "passwords": passwords.walk,
    "disk": disk.walk,
}


def main(arguments: list[str]) -> int:
    given = _parse(arguments)
    report = Report()
    try:
        with opened(given.url.rstrip("/")) as site:
            _walk(site, report, given)
    except Unreachable as error:
        print("\n".join(report.lines()))
        print(f"The walk ended early: {error}", file=sys.stderr)
        return 2
    print("\n".join(report.lines()))
    return 1 if report.findings else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m intrude", description=__doc__)
    parser.add_argument("url", nargs="?", default="http://localhost:8000", help="default: %(default)s")
    parser.add_argument(
        "--data-dir", type=Path, help="of an install on this machine: reads its mails and logs"
    )
    parser.add_argument(
        "--no-build", action="store_true", help="start no build (one costs a model's call at most)"
    )
    parser.add_argument(
        "--debug", action="store_true", help="the install runs with DEBUG, as `make demo` does"
    )
    parser.add_argument("--quick", action="store_true", help="fewer methods and bodies, in about a minute")
    parser.add_argument("--only", nargs="*", choices=WALKS, default=list(WALKS), help="these walks alone")
    return parser.parse_args(arguments)


def _walk(site: Site, report: Report, given: argparse.Namespace) -> None:
    people = People(site, Mails(given.data_dir / "mails" if given.data_dir else None))
    try:
        scene = _scene(people, report, given)
        for name, walk in WALKS.items():
            if name in given.only:
                began = time.monotonic()
                walk(scene)
                print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    finally:
        for email in people.leave():
            report.note(f"The account {email} could not be deleted; delete it in the admin.")


def _scene(people: People, report: Report, given: argparse.Namespace) -> Scene:
    site = people.site
    nobody = Visitor("nobody", site)
    if nobody.get("/readyz").status_code != 200:
        raise Unreachable(f"{site.url} is not ready.")
    victim = _founder(people, "victim")
    stranger = _founder(people, "stranger")
    things = possessions(victim, build=not given.no_build, note=report.note)
    routes = table()
    routes += described(victim.get("/api/schema?format=json").json(), routes)
    roles = [nobody, stranger, *_others(people, stranger, things.ids.pop("link"), report)]
    return Scene(
        site=site, report=report, people=people, routes=routes, victim=victim, stranger=stranger, roles=roles,
        things=things, data_dir=given.data_dir, is_quick=given.quick, is_debug=given.debug,
    )  # fmt: skip


def _founder(people: People, name: str) -> Visitor:
    credentials = os.environ.get(f"INTRUDE_{name.upper()}", "")
    return people.known(name, credentials) if credentials else people.founder(name)


def _others(people: People, stranger: Visitor, link: str, report: Report) -> list[Visitor]:
    """Somebody of each kind that is not the victim."""
    site = people.site
    token, ended = (stranger.post("/api/auth/tokens").json()["token"] for _ in range(2))
    program, guest = (
        Visitor("a program of the stranger", site, token=token),
        Visitor("an ended token", site, token=ended, is_known=False),
    )
    guest.ask("DELETE", "/api/auth/tokens")
    gone = Visitor("a session that was ended", site, is_known=False)
    gone.email, gone.password = stranger.email, stranger.password
    gone.sign_in()
    gone.ask("POST", "/accounts/logout/")
    roles = [program, guest, gone, people.founder("unconfirmed", confirm=False)]
    roles.append(Visitor("somebody with a share link", site, link=link))
    if credentials := os.environ.get("INTRUDE_STAFF", ""):
        staff = people.known("staff without permissions", credentials)
        staff.may_enter_admin = True
        roles.append(staff)
    else:
        report.note("Staff without permissions: set INTRUDE_STAFF to email:password:seed of such an account.")
    return roles


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
