"""The little markup that agents write (headings, lists, bold, code), as safe HTML."""

import re
from itertools import groupby

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_HEADING = re.compile(r"^#{1,6}\s+")
_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


def to_html(text: str) -> SafeString:
    """Paragraphs, lists, headings and fenced code; everything else stays plain text."""
    parts = re.split(r"^```[^\n]*$", text, flags=re.MULTILINE)
    blocks = [
        f"<pre>{escape(part.strip(chr(10)))}</pre>" if number % 2 else _prose(part)
        for number, part in enumerate(parts)
    ]
    return mark_safe("".join(blocks))  # noqa: S308  # every text went through escape()


def _prose(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "".join(_paragraph(lines) for part in paragraphs if (lines := part.splitlines()))


def _paragraph(lines: list[str]) -> str:
    html = []
    for kind, group in groupby(lines, key=_kind):
        texts = list(group)
        if kind == "heading":
            html += [f"<h4>{_inline(_HEADING.sub('', line))}</h4>" for line in texts]
        elif kind == "item":
            items = "".join(f"<li>{_inline(_ITEM.sub('', line))}</li>" for line in texts)
            tag = "ol" if texts[0].lstrip()[0].isdigit() else "ul"
            html.append(f"<{tag}>{items}</{tag}>")
        else:
            html.append(f"<p>{'<br>'.join(map(_inline, texts))}</p>")
    return "".join(html)


def _kind(line: str) -> str:
    return "heading" if _HEADING.match(line) else "item" if _ITEM.match(line) else "text"


def _inline(text: str) -> str:
    safe = str(escape(text.strip()))
    return _BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", safe))
