"""What the bakery decides: change it here, then start the page again."""

import os
from pathlib import Path

BAKERY = "Slow Bread"
USUAL_LIMIT = 40
PER_PERSON = 2
DAYS_AHEAD = 7
KEEP_DAYS = 30
BAKER_CODE = os.environ.get("BAKER_CODE", "sourdough")
DATA = Path(os.environ.get("DATA_DIR", "data"))
