"""The accounts of the walk, what the victim owns, and how all of it is removed again."""

import base64
import hashlib
import hmac
import re
import secrets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any
from uuid import uuid4

from intrude.site import Site, Unreachable, Visitor

MINUTE = 61.0  # after which the site's counters of a minute begin anew
LINK = re.compile(r"https?://\S+")


@dataclass
class Mails:
    """The mails of an install that keeps them as files; none where it sends them."""

    folder: Path | None

    def links_to(self, email: str, part: str) -> list[str]:
        """Newest last."""
        if self.folder is None or not self.folder.is_dir():
            return []
        files = sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        # One file may hold several mails, with a line of dashes after each.
        raw = [mail for file in files for mail in re.split(rb"\n-{70,}\n", file.read_bytes())]
        texts = [_text_of(mail) for mail in raw if email.encode() in mail]
        return [link for text in texts for link in LINK.findall(text) if part in link]


def _text_of(raw: bytes) -> str:
    payload = message_from_bytes(raw.lstrip()).get_payload(decode=True)
    return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


@dataclass
class Things:
    """What the victim owns. `ids` fill addresses; `canaries` must be in nobody else's answer."""

    ids: dict[str, str] = field(default_factory=dict)
    canaries: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # canaries that not even the victim is shown again


@dataclass
class People:
    site: Site
    mails: Mails
    made: list[Visitor] = field(default_factory=list)

    def founder(self, name: str, *, confirm: bool = True) -> Visitor:
        """Signs up, confirms the address where its mail can be read, and is signed in."""
        email = f"intrude-{name}-{secrets.token_hex(6)}@example.com"
        visitor = Visitor(name, self.site, email=email, password=secrets.token_urlsafe(18))
        words = {"email": email, "password1": visitor.password, "password2": visitor.password}
        answer = visitor.post("/accounts/signup/", words)
        if answer.status_code == 429:  # so many a minute from one address
            time.sleep(MINUTE)
            answer = visitor.post("/accounts/signup/", words)
        visitor.keep_session(answer)
        if answer.status_code != 302 or not visitor.is_in:
            raise Unreachable(
                f"Nobody can sign up at {self.site.url} ({answer.status_code}). "
                "Give two accounts in INTRUDE_VICTIM and INTRUDE_STRANGER, each as email:password."
            )
        if confirm:
            for link in self.mails.links_to(email, "/confirm-email/")[-1:]:
                visitor.post("/" + link.split("/", 3)[3])
        self.made.append(visitor)
        return visitor

    def known(self, name: str, credentials: str) -> Visitor:
        """Somebody who has an account: `email:password`, or `email:password:seed` with an app."""
        email, password, *seed = credentials.split(":")
        visitor = Visitor(name, self.site, email=email, password=password)
        answer = visitor.sign_in()
        if seed and answer.headers.get("location", "").startswith("/accounts/2fa/"):
            visitor.keep_session(visitor.post("/accounts/2fa/authenticate/", {"code": code_of(seed[0])}))
        if not visitor.is_in:
            raise Unreachable(f"{email} cannot sign in at {self.site.url}.")
        return visitor

    def leave(self) -> list[str]:
        """Delete the accounts that were made; the addresses of those that could not be."""
        return [visitor.email for visitor in self.made if not _deleted(visitor)]


def _deleted(visitor: Visitor) -> bool:
    with suppress(Unreachable):
        if not visitor.is_in:
            visitor.sign_in()
        answer = visitor.post("/settings/delete", {"confirm": visitor.email})
        return answer.status_code == 302 and answer.headers["location"] == "/"
    return False


def possessions(victim: Visitor, *, build: bool, note: Callable[[str], None]) -> Things:
    """Give the victim one of everything a founder can have."""
    things, mark = Things(), secrets.token_hex(8)
    name, value = f"Intrude {mark}", f"sk-intrude-{secrets.token_hex(16)}"
    brief = {"problem": f"Nobody may read {mark}.", "must_have": [f"a list of {mark}"]}
    project = _made(
        victim.post("/api/projects", json={"name": name, "goal": "Be safe", "idea_brief": brief})
    )["id"]
    _made(victim.ask("PUT", f"/api/projects/{project}/secrets/STRIPE_KEY", json={"value": value}))
    token = _made(victim.post("/api/auth/tokens"))["token"]
    settings = victim.get("/settings").text
    digest = re.findall(r"/settings/tokens/(\w+)/revoke", settings)
    links = victim.post(f"/projects/{project}/links/new", {"days": "1"}, headers={"HX-Request": "true"}).text
    link = re.search(r"\?(link=[^\"&]+)", links)
    link_id = re.search(rf"/projects/{project}/links/([\w-]+)/revoke", links)
    things.ids = {
        "project_id": project,
        "digest": digest[0] if digest else "1",
        "link_id": link_id[1] if link_id else str(uuid4()),
        "job_id": _build(victim, project, note) if build else str(uuid4()),
        "interview_id": _made(victim.post("/api/interviews", json={"text": f"A list of {mark}."}))["id"],
        "escalation_id": str(uuid4()),
        "name": "STRIPE_KEY",
        "verb": "stop",
        "link": link[1] if link else "",
    }
    waiting = victim.get("/api/escalations")
    if waiting.status_code == 200 and waiting.json():
        things.ids["escalation_id"] = str(waiting.json()[0]["id"])
    things.canaries = {"the project's name": mark, "the victim's address": victim.email}
    things.secrets = {
        "the secret's value": value,
        "the victim's password": victim.password,
        "the victim's token": token,
        "the victim's session": victim.cookies["sessionid"],
    }
    return things


def _build(victim: Visitor, project: str, note: Callable[[str], None]) -> str:
    """A build, paused at once: it costs a model's call at most."""
    answer = victim.post("/api/generation/start", json={"project_id": project})
    if answer.status_code != 201:
        note(f"No build could be started ({answer.status_code}): its addresses are tried with a made-up id.")
        return str(uuid4())
    job = str(answer.json()["job_id"])
    victim.post(f"/api/jobs/{job}/pause", json={})
    return job


def _made(answer: Any) -> Any:
    if answer.status_code not in (200, 201):
        raise Unreachable(
            f"{answer.request.url} answered {answer.status_code} to the victim: {answer.text[:300]}"
        )
    return answer.json()


def state_of(victim: Visitor, things: Things) -> dict[str, Any]:
    """What nobody else may change: as the victim sees it."""
    ids = things.ids
    shown: dict[str, Any] = {}
    paths = [f"/api/projects/{ids['project_id']}", f"/api/projects/{ids['project_id']}/secrets"]
    paths += [f"/api/jobs/{ids['job_id']}/messages", f"/api/jobs/{ids['job_id']}/snapshots"]
    for path in paths:
        answer = victim.get(path)
        shown[path] = (answer.status_code, answer.json())
    settings = victim.get("/settings").text
    links = victim.get(f"/projects/{ids['project_id']}/links").text
    job = victim.get(f"/api/jobs/{ids['job_id']}/status")
    shown["the build"] = (job.status_code, job.json().get("status") in ("cancelled", "failed"))
    shown["tokens"] = re.findall(r"/settings/tokens/(\w+)/revoke", settings)
    shown["links"] = sorted(re.findall(r"/links/([\w-]+)/revoke", links))
    return shown


def code_of(seed: str, now: float | None = None) -> str:
    """What an authenticator app shows for this seed (RFC 6238: SHA-1, 30 seconds, six digits)."""
    moment = int((time.time() if now is None else now) // 30)
    key = base64.b32decode(seed + "=" * (-len(seed) % 8))
    digest = hmac.new(key, struct.pack(">Q", moment), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"
