"""Borrow Shelf: the addresses of the shop's shelf."""

import pages
import shelf
from web import App

app = App(pages.layout)


@app.get("/")
def front(request):
    only_free = request.query.get("show") == "free"
    return pages.front(shelf.tools(only_free), only_free)


if __name__ == "__main__":
    shelf.set_up()
    app.serve()
