"""Somebody who visits the running page at PREVIEW_URL from outside, for the checks of the promises."""

import os
import sys
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

HOME = os.environ.get("PREVIEW_URL", "http://127.0.0.1:8000").rstrip("/")


class Visitor:
    """Somebody with a browser: follows links, sends forms, keeps cookies."""

    def __init__(self):
        self.browser = build_opener(HTTPCookieProcessor(CookieJar()))

    def visit(self, path, **form):
        """The status, the address it led to, and the page."""
        data = urlencode(form).encode() if form else None
        try:
            with self.browser.open(HOME + path, data, timeout=20) as page:
                return page.status, page.url, page.read().decode()
        except HTTPError as refused:
            return refused.code, refused.url, refused.read().decode()


def expect(true, sentence):
    if not true:
        sys.exit(f"Broken: {sentence}")
