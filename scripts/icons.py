"""Draws the icons of the installed app from the one SVG, with a browser.

    .venv/bin/python scripts/icons.py

Call it when `frontend/public/favicon.svg` has changed, and commit what it writes.
"""

import os
from pathlib import Path

from playwright.sync_api import sync_playwright

PUBLIC = Path(__file__).parent.parent / "frontend/public"
SQUARE = 'rx="8"'
# A system that cuts icons into its own shape wants the ground up to the edges; our bell keeps within the safe circle.
ICONS = {
    "icon-192.png": (192, True),
    "icon-512.png": (512, True),
    "maskable-192.png": (192, False),
    "maskable-512.png": (512, False),
    "apple-touch-icon.png": (180, False),
}


def main() -> None:
    svg = (PUBLIC / "favicon.svg").read_text()
    assert SQUARE in svg
    (PUBLIC / "icons").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        for name, (size, rounded) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            drawing = svg if rounded else svg.replace(SQUARE, "")
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100vw }}</style>{drawing}")
            page.screenshot(path=PUBLIC / "icons" / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
