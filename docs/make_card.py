"""Make the picture of a result as a notebook shows it: `python docs/make_card.py` (needs Chromium and playwright).

The same case stands in the README and on the first page of the site.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import thighdx

CARD = Path(__file__).parent / "pages" / "card.png"
CASE = {"onset": "sudden", "sprint_or_overstretch": True, "bruising": True, "numbness": False, "age": 34}
WIDTH = 760
N_COLORS = 64
PAGE = """<!DOCTYPE html><meta charset="utf-8">
<style>body {{ margin: 0; background: white; font: 14px sans-serif }}
#card {{ width: {width}px; padding: 16px; box-sizing: border-box }}</style>
<div id="card">{card}</div>"""


def main() -> None:
    """Draw the card."""
    result = thighdx.load_model().diagnose(CASE, setting="sports_clinic")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": 800}, device_scale_factor=2)
        page.set_content(PAGE.format(width=WIDTH, card=result._repr_html_()))
        drawn = page.locator("#card").screenshot()
        browser.close()
    with Image.open(io.BytesIO(drawn)) as image:  # a palette makes the file a quarter as large
        image.convert("RGB").quantize(N_COLORS, Image.Quantize.MAXCOVERAGE).save(CARD, optimize=True)


if __name__ == "__main__":
    main()
