"""What the shop decides: change it here, then start the shelf again."""

import os
from pathlib import Path

SHOP = "Marta's hardware shop"
LONGEST_DAYS = 7
KEEPER_CODE = os.environ.get("KEEPER_CODE", "sawdust")
DATA = Path(os.environ.get("DATA_DIR", "data"))

# How borrowers say who they are: "name_only", "name_and_phone" or "pickup_word".
BORROWER = "name_only"

# A sentence of Marta's own above the borrowing form; empty when there is none.
HOUSE_RULE = ""
