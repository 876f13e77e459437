"""The bakery's frame around every page."""

import config
from frame import frame

LOAF = (
    "M3 11.5c0-3.6 4-6 9-6s9 2.4 9 6c0 1.6-.9 2.7-2 3.2V18a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18v-3.3"
    "c-1.1-.5-2-1.6-2-3.2zM8.5 9.2l1.6 2.6M12.2 8.8l1.6 2.6M15.9 9.2l1.3 2.2"
)


def layout(title, body):
    return frame(
        title,
        body,
        name=config.BAKERY,
        mark=LOAF,
        links=[("/", "Reserve"), ("/baker", "For the baker")],
        foot="Sixty loaves a day, and some always stay for those who just walk in."
        f" Phone numbers are deleted after {config.KEEP_DAYS} days.",
    )
