from hypothesis import given
from hypothesis import strategies as st

from agents.output import Capture, cut_middle, cut_to_bytes
from agents.sandbox.redaction import Redactor


@given(st.lists(st.text(max_size=30)), st.integers(min_value=1, max_value=50))
def test_a_capture_keeps_both_ends_of_what_it_heard(parts: list[str], half: int) -> None:
    capture = Capture(half)
    for part in parts:
        capture.add(part)
    whole, kept = "".join(parts), capture.text()
    assert kept.startswith(whole[:half])
    assert kept.endswith(whole[-half:] if whole else "")
    assert kept == whole or len(kept) < 2 * half + 30 + 60


@given(st.text(alphabet="ab\n", max_size=400), st.integers(min_value=4, max_value=100))
def test_a_cut_keeps_both_ends_and_counts_what_is_missing(text: str, limit: int) -> None:
    shown = cut_middle(text, limit)
    if len(text) <= limit:
        assert shown == text
        return
    head, _, rest = shown.partition("[… ")
    count, _, _ = rest.partition(" characters")
    tail = rest.partition("left out …]\n")[2]
    assert text.startswith(head.removesuffix("\n"))
    assert text.endswith(tail)
    assert abs(len(head) + len(tail) + int(count.replace(",", "")) - len(text)) <= 1


def test_a_cut_falls_between_lines() -> None:
    shown = cut_middle("".join(f"line {n}\n" for n in range(100)), 100)
    assert all(line.startswith(("line", "[…")) for line in shown.splitlines())


@given(st.text(max_size=300), st.integers(min_value=120, max_value=200))
def test_a_cut_by_bytes_fits(text: str, limit: int) -> None:
    assert len(cut_to_bytes(text * 3, limit).encode()) <= limit


def test_short_and_empty_secrets_do_not_garble_the_text() -> None:
    assert Redactor(["", "on", " abc "])("abc is on") == "abc is on"


def test_a_secret_within_a_longer_one_leaves_nothing_of_it() -> None:
    assert Redactor(["secret-1", "secret-1-long"])("x secret-1-long y") == "x [secret] y"


def test_quoted_secrets_are_found() -> None:
    redact = Redactor(['p&ss w"rd'])
    assert redact('{"k": "p&ss w\\"rd"} ?k=p%26ss%20w%22rd') == '{"k": "[secret]"} ?k=[secret]'
