"""A small web kit on the standard library: escaped pages, labelled forms, routes, a server."""

import html
import os
import re
import string
import sys
import traceback
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

HERE = Path(__file__).resolve().parent
LONGEST_FORM = 64_000
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'",
}


class Safe(str):
    """Markup that is already escaped."""


def escaped(value):
    if isinstance(value, Safe):
        return value
    if isinstance(value, list | tuple):
        return Safe("".join(escaped(each) for each in value))
    return Safe(html.escape(str(value)))


def markup(template, **values):
    """Fill the $names of a template; whatever is not Safe is escaped."""
    return Safe(
        string.Template(template).substitute({name: escaped(value) for name, value in values.items()})
    )


class Refused(Exception):
    """A sentence for the visitor, with the status to send it under."""

    def __init__(self, sentence, status=400):
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


@dataclass
class Request:
    method: str
    path: str
    query: dict = field(default_factory=dict)
    form: dict = field(default_factory=dict)
    cookies: dict = field(default_factory=dict)

    def text(self, name, longest=200):
        """What was typed, without control characters and outer spaces."""
        typed = "".join(each if each.isprintable() else " " for each in self.form.get(name, ""))
        return " ".join(typed.split())[:longest]


@dataclass
class Response:
    body: str
    status: int = 200
    headers: dict = field(default_factory=dict)


def redirect(to, **headers):
    return Response("", 303, {"Location": to, **headers})


def text_field(label, name, value="", error="", hint="", **attributes):
    """A labelled input; hint and error are tied to it for screen readers."""
    attributes = {"type": "text", "name": name, "id": name, "value": value, **attributes}
    return _labelled(label, name, error, hint, "<input$extra>", attributes)


def choice_field(label, name, choices, value="", error="", hint=""):
    """A labelled select; choices are (value, words)."""
    options = [
        markup(
            '<option value="$v"$s>$w</option>',
            v=v,
            w=words,
            s=Safe(" selected") if str(v) == str(value) else "",
        )
        for v, words in choices
    ]
    control = "<select$extra>" + "".join(options).replace("$", "$$") + "</select>"
    return _labelled(label, name, error, hint, control, {"name": name, "id": name})


def _labelled(label, name, error, hint, control, attributes):
    notes = [
        markup('<p class="hint" id="$n-hint">$t</p>', n=name, t=hint) if hint else Safe(),
        markup('<p class="error" id="$n-error">$t</p>', n=name, t=error) if error else Safe(),
    ]
    if hint or error:
        attributes["aria-describedby"] = f"{name}-error" if error else f"{name}-hint"
    if error:
        attributes["aria-invalid"] = "true"
    extra = [
        markup(' $k="$v"', k=key.strip("_"), v=each) for key, each in attributes.items() if each is not False
    ]
    return markup(
        '<div class="field"><label for="$name">$label</label>$hint$control$error</div>',
        name=name,
        label=label,
        hint=notes[0],
        control=markup(control, extra=extra),
        error=notes[1],
    )


class App:
    """Routes by method and pattern; `layout(title, body)` makes a whole page."""

    def __init__(self, layout):
        self.layout = layout
        self.routes = []

    def get(self, pattern):
        return self._route("GET", pattern)

    def post(self, pattern):
        return self._route("POST", pattern)

    def _route(self, method, pattern):
        shape = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))

        def register(view):
            self.routes.append((method, shape, view))
            return view

        return register

    def answer(self, request):
        try:
            return self._view(request)
        except Refused as refused:
            return self._refusal(refused)

    def _view(self, request):
        found = [
            (method, view, match)
            for method, shape, view in self.routes
            if (match := shape.fullmatch(request.path))
        ]
        for method, view, match in found:
            if method == request.method:
                answer = view(request, **match.groupdict())
                return answer if isinstance(answer, Response) else Response(answer)
        if found:
            raise Refused("This page cannot be used that way.", 405)
        raise Refused("There is nothing at this address. Perhaps the link is old.", 404)

    def _refusal(self, refused):
        body = markup(
            '<section class="card narrow"><h1>Not this time</h1><p class="lead">$why</p>'
            '<p><a class="button" href="/">Back to the start</a></p></section>',
            why=refused.sentence,
        )
        return Response(self.layout("Not this time", body), refused.status)

    def serve(self, port=None):
        port = int(port or os.environ.get("PORT", "8000"))
        server = Server(("0.0.0.0", port), type("Handler", (Handler,), {"app": self}))
        print(f"Listening on port {port}", flush=True)
        server.serve_forever()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A visitor who goes away in the middle is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    app: App
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        if (name := self.path.strip("/")) in ("base.css", "theme.css"):
            self._send(Response((HERE / name).read_text(), 200, {"Content-Type": "text/css; charset=utf-8"}))
        else:
            self._answer("GET", {})

    do_HEAD = do_GET

    def do_POST(self):
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LONGEST_FORM:
            self.close_connection = True
            self._refuse("That is more text than this form can take.", 413)
        elif self.headers.get("Sec-Fetch-Site") == "cross-site":
            self.close_connection = True
            self._refuse("This form was sent from another site.", 403)
        else:
            typed = self.rfile.read(int(length)).decode("utf-8", "replace")
            self._answer("POST", dict(parse_qsl(typed, keep_blank_values=True)))

    def _answer(self, method, form):
        parts = urlsplit(self.path)
        cookies = {
            name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()
        }
        request = Request(method, parts.path, dict(parse_qsl(parts.query)), form, cookies)
        try:
            self._send(self.app.answer(request))
        except Exception:  # the last border: one broken page must not end the shop
            traceback.print_exc(file=sys.stderr)
            self._refuse("Something went wrong on our side. Please try again in a moment.", 500)

    def _refuse(self, sentence, status):
        self._send(self.app._refusal(Refused(sentence, status)))

    def _send(self, response):
        body = response.body.encode()
        self.send_response(response.status)
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", **SECURITY}
        for name, value in {**headers, **response.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        print(self.command, self.path.split("?")[0], args[1] if len(args) > 1 else "", flush=True)


def sentence(words):
    """Words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def spoken(day, today):
    """A day as people say it: today, tomorrow, Saturday 28 November."""
    if 0 <= (day - today).days <= 1:
        return ("today", "tomorrow")[(day - today).days]
    return f"{day:%A} {day.day} {day:%B}"
