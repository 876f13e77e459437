"""The café's frame around every page."""

import config
from frame import frame

SPANNER = (
    "M14.5 4.5a4.5 4.5 0 0 0-4.3 5.9L4 16.6a2 2 0 0 0 0 2.8l.6.6a2 2 0 0 0 2.8 0l6.2-6.2a4.5 4.5 0 0 0"
    " 5.7-5.7l-2.7 2.7-2.6-.7-.7-2.6z"
)


def layout(title, body):
    return frame(
        title,
        body,
        name=config.CAFE,
        mark=SPANNER,
        links=[("/bring", "Bring"), ("/saved", "Saved"), ("/volunteers", "Volunteers")],
        foot="A repair café of neighbours. Names and phone numbers are deleted after"
        f" {config.KEEP_DAYS} days; only the counts stay.",
    )
