"""Slow Bread: the addresses of the waiting list."""

from datetime import date

import baker
import bread
import neighbours
import pages
from web import App

app = App(pages.layout)
neighbours.open_at(app)
baker.open_at(app)


if __name__ == "__main__":
    if bread.set_up():
        bread.show_examples(date.today())
    bread.forget(date.today())
    app.serve()
