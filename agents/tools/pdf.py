"""PDF files for the model: each page a document of its own, so that its size in tokens has a bound."""

import json
from pathlib import Path
from typing import Any

from agents.apart import NotFinished, apart
from agents.tools import pdf_pages
from agents.turns import Block, ToolFailure

MOST_PAGES = 5  # of an answer
MOST_TEXT = 4_000  # characters of a page that is shown as it looks: `PAGE_TOKENS` counts on it
LARGEST_PAGE = 1_500_000  # characters in base64


async def pages(content: bytes, path: str, first: int, most: int) -> tuple[list[Block], str]:
    """The blocks for the model, and which pages they are.

    A page with much text, or of many bytes, comes as its text.
    """
    most = min(most, MOST_PAGES)
    try:
        printed = await apart(Path(pdf_pages.__file__), str(first), str(most), given=content)
    except NotFinished as error:
        raise ToolFailure("binary_file", f"{path} is a PDF that cannot be read here.") from error
    found = json.loads(printed)
    if problem := found.get("problem"):
        raise ToolFailure("binary_file", f"{path} is a PDF that cannot be read. {problem}")
    count, parts = found["pages"], found["parts"]
    if not parts:
        raise ToolFailure("invalid_input", f"{path} has {count} page{'s' * (count != 1)}; offset is {first}.")
    texts = [part for part in parts if _is_for_text(part)]
    last = parts[-1]["number"]
    said = [
        f"[{path}: page {first} of {count}]"
        if last == first
        else f"[{path}: pages {first} to {last} of {count}]"
    ]
    if last < count:
        said.append(f"[Read on with offset {last + 1}.]")
    said += [f"[page {part['number']}, its text alone]\n{part['text']}" for part in texts]
    return [_document(part, path) for part in parts if part not in texts], "\n".join(said)


def _is_for_text(part: dict[str, Any]) -> bool:
    return len(part["text"]) > MOST_TEXT or len(part["pdf"]) > LARGEST_PAGE


def _document(part: dict[str, Any], path: str) -> Block:
    return {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": part["pdf"]},
        "title": f"{path[-200:]}, page {part['number']}",
    }
