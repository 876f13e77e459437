"""Requests that make no sense: each has to be refused in words, and none may be a fault of the site."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from intrude.routes import LEAVING, PARAMETER, SELDOM, Route, Who
from intrude.scene import Scene
from intrude.site import Unreachable

KIND = "nonsense requests"
SIDE_BY_SIDE = 4
DEEP = "[" * 3000 + "]" * 3000
BODIES: list[tuple[str, bytes]] = [
    ("application/json", text.encode("utf-8", "surrogatepass"))
    for text in (
        *("", "{", "[]", "null", "0", '"text"', "NaN", '{"a":NaN}', DEEP, "{}" * 50, "\ud800"),
        *('{"text": "\\u0000"}', '{"text": "\\ud800"}', '{"project_id": {}}', '{"project_id": "\\u0000"}'),
        *(
            '{"amount_microdollars": 1e400}',
            '{"amount_microdollars": -1}',
            '{"amount_microdollars": 1%s}' % ("0" * 400),
        ),
        *(
            '{"idea_brief": [[[[]]]], "name": {}, "goal": []}',
            '{"interview": [1, null, {}], "name": "x", "goal": "y"}',
        ),
        *(
            '{"decision": ["x"], "guidance": 5}',
            '{"confirm": {"x": 1}}',
            '{"snapshot_id": "../../etc/passwd"}',
        ),
        '{"value": ' + json.dumps("x" * 900_000) + "}",
    )
] + [
    ("application/json", b'{"text": "\xff\xfe"}'),
    ("application/json; charset=utf-16", b'{"text": "x"}'),
    ("application/json; charset=no-such", b"{}"),
    ("text/plain", b"{}"),
    ("application/xml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
    ("multipart/form-data", b"--x"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../x"\r\n\r\nb',
    ),
    ("application/x-www-form-urlencoded", b"a=%00&text=%ff&days=9" + b"9" * 500),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1500))),
    ("", b"\x00" * 100),
]
QUERIES = [
    *("limit=-1", "limit=1e9", "limit=99999999999999999999", "limit=", "after=-1", "after=\u0662", "after=x"),
    *("limit=1&limit=2", "after=9" + "9" * 300, "page=../", "format=xml", "format=../../etc/passwd", "q=%00"),
    *(
        "status=%F0%9F%92%A9",
        "q=%ff%fe",
        "link=%22%3E%3Cscript%3E",
        "next=%0d%0aSet-Cookie:x=1",
        "q=" + "x" * 5000,
    ),
]
PLACES = [
    *(
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
    ),
    *(
        "/static/%2e%2e%2f%2e%2e%2fkeys.env",
        "/media/x",
        "/.git/config",
        "/.env",
        "/.cofounder/keys.env",
        "/%00",
    ),
    *(
        "/api/projects/%00",
        "/api/jobs/" + "9" * 3000,
        "/builds/ffffffff-ffff-ffff-ffff-fffffffffffff",
        "//evil.example",
    ),
    *(
        "/api//projects",
        "/api/projects/",
        "/api/../admin/",
        "/%ff%fe",
        "/projects%0d%0aX: y",
        "/enter/" + "x" * 3000,
    ),
    *(
        "/answer/..%2f..",
        "/builds/%7B%7B7*7%7D%7D",
        "/accounts/confirm-email/%00/",
        "/server-status",
        "/debug/pprof",
    ),
]
HEADERS: list[dict[str, str]] = [
    {"Authorization": "Token " + "x" * 3000},
    {"Authorization": "Token"},
    {"Authorization": "Token a b c"},
    {"Authorization": "Basic %%%"},
    {"Authorization": "Bearer \xff".encode("latin-1").decode("latin-1")},
    {"Cookie": "sessionid=" + "x" * 3000},
    {"Cookie": "sessionid='; DROP TABLE cofounder_user; --"},
    {"Cookie": "messages=x; csrftoken=%00"},
    {"X-Request-ID": "x" * 3000},
    {"X-Forwarded-For": "not, an, address"},
    {"Accept": "*/*;q=x"},
    {"Accept-Language": "x" * 600},
    {"Range": "bytes=0-0,-1,9-1"},
    {"If-Modified-Since": "yesterday"},
    {"Idempotency-Key": "x" * 3000},
    {"HX-Request": "true", "HX-Current-URL": "javascript:x"},
]


def walk(scene: Scene) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda each: _try(scene, *each), _requests(scene)))


def _requests(scene: Scene) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and the rest; as the stranger, with ids of its own account's kind."""
    ours = [route for route in scene.routes if _is_ours(route)]
    for number, route in enumerate(ours):
        bodies = BODIES[number % 5 :: 5] if scene.is_quick else BODIES
        path = route.path({**scene.things.ids, "verb": "stop"})
        for kind, body in bodies:
            yield "PUT" if path.endswith("/STRIPE_KEY") else "POST", path, _sent(kind, body)
            if path.count("/") == 3 and path.startswith("/api/projects/"):
                yield "PATCH", path, _sent(kind, body)
    for number, route in enumerate(ours):
        for query in QUERIES[number % 5 :: 5] if scene.is_quick else QUERIES:
            yield "GET", f"{route.path(scene.things.ids)}?{query}", {}
    for place in PLACES:
        for method in ("GET", "POST"):
            yield method, place, {}
    for sent in HEADERS:
        for path in ("/", "/projects", "/api/projects", "/api/auth/tokens"):
            yield "GET", path, {"headers": sent}
    for method in ("TRACE", "CONNECT", "PROPFIND", "get", "X" * 200):
        yield method, "/projects", {}
    yield "POST", "/api/projects", _sent("application/json", b" " * 1_100_000)


def _is_ours(route: Route) -> bool:
    is_library = route.pattern.startswith(("admin/", "accounts/"))
    return not is_library and route.pattern not in LEAVING | SELDOM and route.who is not Who.STAFF


def _sent(kind: str, body: bytes) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": kind} if kind else {}}


def _try(scene: Scene, method: str, path: str, sent: dict[str, Any]) -> None:
    try:
        answer = scene.stranger.ask(method, path, **sent)
    except Unreachable:
        if scene.nobody.get("/healthz").status_code != 200:
            raise
        scene.report.attempt(KIND)  # the connection was closed, and the site goes on
        return
    except ValueError:  # the client itself cannot send it
        return
    shown = f"{method} {PARAMETER.sub('…', path)[:80]} ({str(sent)[:80]})"
    scene.report.expect(
        KIND,
        answer.status_code < 500 or answer.status_code in (501, 503, 505),
        f"{shown} was answered {answer.status_code}.",
        answer.status_code,
    )
    if (
        "root:x:0:0" in answer.text
        or "FIELD_ENCRYPTION_KEYS=" in answer.text
        or "Traceback (most" in answer.text
    ):
        scene.report.found(KIND, f"{shown} shows a file or a fault's inside.")
