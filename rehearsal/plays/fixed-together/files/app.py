"""Fixed Together: the addresses of the repair café."""

from datetime import datetime

import pages
import repairs
import visitors
import volunteers
from web import App

app = App(pages.layout)
visitors.open_at(app)
volunteers.open_at(app)


if __name__ == "__main__":
    if repairs.set_up():
        repairs.show_examples(datetime.now())
    repairs.forget(datetime.now().date())
    app.serve()
