"""Every check that cofounder.json declares, one after the other; ends with the first that fails."""

import json
import subprocess
import sys
from pathlib import Path

for check in json.loads(Path("cofounder.json").read_text(encoding="utf-8"))["checks"]:
    print(check["run"].partition(" checks/promise.py ")[2], flush=True)
    if code := subprocess.run(["bash", "-c", check["run"]]).returncode:
        sys.exit(code)
