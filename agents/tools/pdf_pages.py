"""Pages of a PDF, one document each. A program of its own, so that a hostile file costs only this process.

Reads the file from standard input; its arguments are the first page and the most pages. Prints JSON: the
number of `pages` and the `parts` asked for, or the `problem`.
"""

import base64
import io
import json
import resource
import sys
from typing import Any

SECONDS = 20  # of processor time
MEMORY = 1_500_000_000  # bytes


def pages_of(content: bytes, first: int, most: int) -> dict[str, Any]:
    from pypdf import PdfReader, PdfWriter
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"problem": "It is protected by a password."}
        parts = []
        for number in range(first, min(first + most, len(reader.pages) + 1)):
            page = reader.pages[number - 1]
            writer, file = PdfWriter(), io.BytesIO()
            writer.add_page(page)
            writer.write(file)
            parts.append(
                {
                    "number": number,
                    "text": page.extract_text(),
                    "pdf": base64.b64encode(file.getvalue()).decode(),
                }
            )
        return {"pages": len(reader.pages), "parts": parts}
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        return {"problem": f"It is damaged: {error}"[:300]}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    found = pages_of(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
