"""Write what is derived from the code: docs/openapi.json, the table in docs/configuration.md, the front end's types.

With `--check` nothing is written, and the exit status tells whether something is out of date.
"""

import json
import subprocess
import sys
from pathlib import Path

from tocsin.app import Tocsin
from tocsin.core.clock import SystemClock
from tocsin.settings import TABLE, load

ROOT = Path(__file__).parent.parent
OPENAPI = ROOT / "docs/openapi.json"
CONFIGURATION = ROOT / "docs/configuration.md"
TYPES = ROOT / "frontend/src/api/schema.ts"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def openapi() -> str:
    document = Tocsin(load({"TOCSIN_RUNTIME": "none"}), SystemClock()).openapi
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def configuration() -> str:
    rows = ["| Variable | Default | What it does |", "|---|---|---|"]
    for setting in TABLE:
        default = f"`{setting.default}`" if setting.default else ""
        help_text = setting.help.replace("|", "\\|")
        name = f"`{setting.name}`" + (f"<br>`{setting.name}_FILE`" if setting.secret else "")
        rows.append(f"| {name} | {default} | {help_text} |")
    text = CONFIGURATION.read_text()
    head, tail = text.partition(BEGIN)[0], text.partition(END)[2]
    return head + BEGIN + "\n" + "\n".join(rows) + "\n" + END + tail


def main() -> int:
    stale = []
    for path, text in ((OPENAPI, openapi()), (CONFIGURATION, configuration())):
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if "--check" not in sys.argv:
                path.write_text(text)
    if OPENAPI in stale and "--check" not in sys.argv:
        subprocess.run(["npm", "--prefix", str(ROOT / "frontend"), "run", "--silent", "types"], check=True)
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date; run: make docs' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
