"""One shared code in front of the pages that are not for everybody."""

import hmac
import secrets
import time
from hashlib import sha256

from web import Refused, markup, redirect, text_field

TRIES = 10
WINDOW = 600.0


class Gate:
    """Remembers on the device that the code was typed; changing the code signs everybody out."""

    def __init__(self, folder, code, home):
        self.folder = folder
        self.code = code
        self.home = home
        self.wrong = []

    def _mark(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "secret"
        if not secret.exists():
            secret.write_text(secrets.token_hex(32))
            secret.chmod(0o600)
        return hmac.new(secret.read_bytes(), self.code.encode(), sha256).hexdigest()

    def is_open(self, request):
        return hmac.compare_digest(request.cookies.get("gate", "").encode(), self._mark().encode())

    def try_code(self, request):
        """Check what was typed; ten wrong tries in ten minutes and nobody may guess on."""
        now = time.monotonic()
        self.wrong = [tried for tried in self.wrong if now - tried < WINDOW]
        if len(self.wrong) >= TRIES:
            raise Refused("Too many wrong codes. Please wait ten minutes and try again.", 429)
        if not hmac.compare_digest(request.text("code").lower().encode(), self.code.lower().encode()):
            self.wrong.append(now)
            return None
        return redirect(
            self.home,
            **{"Set-Cookie": f"gate={self._mark()}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"},
        )

    def form(self, title, words, error=""):
        return markup(
            '<section class="card narrow"><h1>$title</h1><p class="lead">$words</p>'
            '<form method="post" action="$home">$code<button>Open</button></form></section>',
            title=title,
            words=words,
            home=f"{self.home}/code",
            code=text_field(
                "Code", "code", error=error, autocomplete="off", autocapitalize="none", required=""
            ),
        )
