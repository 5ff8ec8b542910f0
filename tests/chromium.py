"""A headless Chromium, the Debian package, and what is measured in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, LocatorAssertions, Page

__all__ = ["CONTRASTS", "MIN_CONTRAST", "PATIENCE", "chromium", "expect", "window"]

PATIENCE = 120.0  # seconds until a page that has not come to what is expected is at fault: machines are slow at times

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MIN_CONTRAST = 4.5  # WCAG 2.2, criterion 1.4.3, which leaves out what is disabled

# Contrast of every text with what is behind it: fills and opacities of all elements around it, laid over one
# another from the page up. Called with a selector of the element to look into.
CONTRASTS = """root => {
  const parse = text => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return {rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1};
  };
  const over = (top, alpha, below) => top.map((value, i) => value * alpha + below[i] * (1 - alpha));
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || !element.getClientRects().length) continue;
    if (element.closest("svg, style, option, [aria-disabled=true]")) continue;
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(e);
    let back = [255, 255, 255], alpha = 1;
    for (const e of chain) {
      const style = getComputedStyle(e), fill = parse(style.backgroundColor);
      alpha *= Number(style.opacity);
      back = over(fill.rgb, fill.alpha * alpha, back);
    }
    const ink = parse(getComputedStyle(element).color);
    const [a, b] = [light(over(ink.rgb, ink.alpha * alpha, back)), light(back)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.textContent.trim().slice(0, 60)]);
  }
  return found;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium that talks to nobody else."""
    from playwright.sync_api import sync_playwright  # only tests marked `browser` have it

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


def expect(what: Locator) -> LocatorAssertions:
    """What Playwright expects of a part of a page, in time."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE * 1000)
    return expect(what)


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a window, patient with a slow machine; whatever goes wrong in its scripts is an error."""
    page = browser.new_page(**options)
    page.set_default_timeout(PATIENCE * 1000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    try:
        yield page
    finally:
        page.close()
    assert faults == []
