"""The site as a stranger reaches it: requests with exactly the cookies and headers that are given."""

import re
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

SECONDS = 60.0
CSRF = "".join(secrets.choice(string.ascii_letters) for _ in range(32))  # Django takes any of this form


class Unreachable(Exception):
    """The walk cannot be carried out; the message says why."""


@dataclass
class Site:
    url: str
    client: httpx.Client
    transport: httpx.HTTPTransport

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Past the client, which keeps cookies, and fails at a redirect that leads nowhere."""
        request = self.client.build_request(method, path, **more)
        answer = self.transport.handle_request(request)
        answer.request = request
        answer.read()
        return answer

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


@contextmanager
def opened(url: str) -> Iterator[Site]:
    with httpx.Client(base_url=url, timeout=SECONDS) as client, httpx.HTTPTransport() as transport:
        yield Site(url, client, transport)


@dataclass
class Visitor:
    """Somebody with a session, a token, a share link, or nothing."""

    name: str
    site: Site
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    link: str = ""  # of a shared app
    email: str = ""
    password: str = ""
    may_enter_admin: bool = False
    is_known: bool = True  # else its session or token has ended

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        forged: bool = False,
        **body: Any,
    ) -> httpx.Response:
        """With the CSRF token of its own page, unless `forged`: then with the cookies alone."""
        sent: dict[str, str] = {}
        cookies = dict(self.cookies)
        if not forged and not self.token:
            cookies["csrftoken"] = CSRF
            sent = {"X-CSRFToken": CSRF, "Origin": self.site.url, "Referer": self.site.url + "/"}
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if self.token:
            sent["Authorization"] = f"Token {self.token}"
        if self.link:
            path += ("&" if "?" in path else "?") + self.link
        try:
            return self.site.send(method, path, headers={**sent, **(headers or {})}, **body)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.site.url} does not answer {method} {path}: {error!r}") from error

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        if not more.keys() & {"json", "content", "files"}:
            more["data"] = data or {}
        return self.ask("POST", path, **more)

    def keep_session(self, answer: httpx.Response) -> None:
        """Take the session that an answer sets."""
        for line in answer.headers.get_list("set-cookie"):
            if found := re.match(r"sessionid=([^;]*)", line):
                self.cookies["sessionid"] = found[1].strip('"')

    def sign_in(self, password: str = "") -> httpx.Response:
        self.cookies.pop("sessionid", None)
        answer = self.post("/accounts/login/", {"login": self.email, "password": password or self.password})
        self.keep_session(answer)
        return answer

    @property
    def is_founder(self) -> bool:
        """Whether it is somebody at all; whether the sign-in still holds, `is_in` asks the site."""
        return self.is_known and bool(self.token or self.cookies.get("sessionid"))

    @property
    def is_in(self) -> bool:
        return self.get("/api/budget").status_code == 200


def ends_at_sign_in(answer: httpx.Response) -> bool:
    place = answer.headers.get("location", "").split("?")[0]
    return answer.status_code in (301, 302, 303) and place.endswith(("/accounts/login/", "/admin/login/"))
