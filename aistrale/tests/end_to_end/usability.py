"""Whether a page is usable in both colour schemes at both widths: what axe finds on it, and that it fits its window.

A page is loaded once; scheme and width then change under it, as they do when the sun sets or a window is resized.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product
from typing import Literal, get_args
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
WIDE, NARROW = 1440, 320
HEIGHT = 900
TOASTS_MILLISECONDS = 200  # messages come in after 100

# Scripts hear of a new scheme in some later frame, and some colours change slowly then: what would end is ended.
CALM_BACKGROUND = """async () => {
  const moves = (each) => each.playState === "running" && each.effect.getComputedTiming().endTime < Infinity;
  for (let calm = 0, frames = 0; calm < 4 && frames < 90; frames++) {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter(moves);
    for (const each of moving) each.finish();
    calm = moving.length ? 0 : calm + 1;
  }
  return getComputedStyle(document.body).backgroundColor;
}"""
# All other rules find the same in both schemes.
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
FAULTS = """async (runOnly) => {
  const { violations } = await axe.run({ preload: false, resultTypes: ["violations"], ...(runOnly && { runOnly }) });
  const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  return document.documentElement.scrollWidth > innerWidth ? [...faults, "scrolls sideways"] : faults;
}"""


def check_usable(page: Page, *, widths: Collection[int] = (WIDE, NARROW)) -> None:
    """The page as it is now, with its dialogs and messages, and leave it so; for users whose theme follows the system.

    Raises AssertionError with address, scheme, width and fault of all that is wrong.
    """
    page.wait_for_timeout(TOASTS_MILLISECONDS)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    size = page.viewport_size
    faults = list(_faults(page, widths))
    page.emulate_media(color_scheme="null")
    if size:
        page.set_viewport_size(size)
    assert not faults, "\n".join(faults)


def _faults(page: Page, widths: Collection[int]) -> Iterator[str]:
    path = urlsplit(page.url).path
    backgrounds = set()
    for width, scheme in product(widths, SCHEMES):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        backgrounds.add(page.evaluate(CALM_BACKGROUND))
        rules = None if scheme == SCHEMES[0] else RULES_OF_COLOUR
        yield from (f"{path} {scheme} at {width} px: {fault}" for fault in page.evaluate(FAULTS, rules))
    if len(backgrounds) != len(SCHEMES):
        yield f"{path}: does not follow the scheme of the system"
