"""What the repair café decides: change it here, then start the page again."""

import os
from datetime import time
from pathlib import Path

CAFE = "Fixed Together"
FIRST_SLOT = time(10, 0)
SLOTS = 10
SLOT_MINUTES = 20
PLACES = 4
KEEP_DAYS = 30
VOLUNTEER_CODE = os.environ.get("VOLUNTEER_CODE", "screwdriver")
DATA = Path(os.environ.get("DATA_DIR", "data"))

SKILLS = {
    "electrical": "Electrical: plugs, lamps, kitchen machines",
    "textile": "Textile: clothes, bags, curtains",
    "bicycle": "Bicycle",
    "wood": "Wood and furniture",
    "computer": "Computers and phones",
    "other": "Something else",
}
STATUSES = {"waiting": "Waiting", "fixed": "Fixed", "not_fixable": "Not fixable", "come_back": "Come back"}
