"""A secret is hidden in every form in which a command may print it."""

import base64
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.sandbox.redaction import HIDDEN, Redactor

SECRET = 'sk live/+"é"&=key'
values = st.text(st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FF), min_size=6, max_size=60)


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        json.dumps({"key": SECRET}),
        json.dumps({"key": SECRET}, ensure_ascii=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        urlencode({"key": SECRET}),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_an_encoded_secret_is_hidden(printed: str) -> None:
    assert HIDDEN in Redactor([SECRET])(printed)


@given(values, st.binary(max_size=5), st.binary(max_size=5), st.booleans())
def test_base64_hides_nothing_wherever_the_secret_stands(
    value: str, before: bytes, after: bytes, url_safe: bool
) -> None:
    """As in `echo $KEY | base64`, and in the header of HTTP basic authentication."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    printed = encode(before + value.encode() + after).decode()
    shown = Redactor([value])(printed)
    assert HIDDEN in shown
    assert len(shown.replace(HIDDEN, "")) <= len(printed) - len(value.encode()) * 8 // 6 + 2


def test_a_line_of_a_key_with_many_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqh\nxyz\n-----END KEY-----"
    shown = Redactor([key])("cat key\nMIIEvQIBADANBgkqh\nxyz\n")
    assert shown == f"cat key\n{HIDDEN}\nxyz\n"


def test_text_that_is_not_secret_stays_as_it_is() -> None:
    text = "a build of 12 files in app/main.py, sha256 9f86d081884c7d659a2feaa0c55ad015"
    assert Redactor([SECRET, "abc", ""])(text) == text
