"""Debian's Chromium, logged in to an Airflow, with a note of every host that it asked for something."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect, sync_playwright

# As root, and with none of the calls home that a closed network refuses.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
_SHAPES = ((400, 800), (1366, 900), (2560, 1300))


@dataclass
class Reader:
    """Somebody at a browser."""

    context: BrowserContext
    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or urlsplit(request.url).scheme))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_default_timeout(60_000)
        return page


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


def logged_in(browser: Browser, url: str, user: str, password: str, *, scheme: str = "light") -> Reader:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    reader = Reader(context, page)
    reader.watch(page)
    page.goto(f"{url}/dags")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="retrain").first.wait_for()
    return reader


def serious(page: Page | Frame) -> list[str]:
    """Return what axe-core finds wrong that is serious or worse."""
    found = Axe().run(page).response["violations"]  # type: ignore[arg-type]
    return [
        f"{each['id']} ({each['impact']}): {json.dumps([node['target'] for node in each['nodes']])}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def drawn(page: Page | Frame) -> int:
    """Wait until every figure is drawn; return how many there are."""
    expect(page.locator("[data-figure] .plot:not(:has(.main-svg))")).to_have_count(0, timeout=60_000)
    return page.locator("[data-figure]").count()


def pictures(reader: Reader, url: str, name: str, folder: Path, *, anew: bool) -> list[str]:
    """Take a page's picture in three widths; return what axe-core finds, and in which widths the page is wider than the window.

    It is loaded in each width, or once, and its window made wider.
    """
    problems = []
    for number, (width, height) in enumerate(_SHAPES):
        reader.page.set_viewport_size({"width": width, "height": height})
        if anew or number == 0:
            reader.page.goto(url)
        drawn(reader.page)
        scheme = reader.page.evaluate("document.documentElement.dataset.theme")
        reader.page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            problems.append(f"{name} is {wide} wide in a window of {width}")
        problems += [f"{name}, {scheme}, {width}: {problem}" for problem in serious(reader.page)]
    return problems


def sheet(reader: Reader, name: str, folder: Path) -> Path:
    """Put a page's pictures beside each other into one, as docs/pages.md shows them: their tops, in both themes and all widths."""
    widths = {1366: 430, 400: 126, 2560: 640}
    shown = [
        (scheme, width, widths[width]) for width in widths for scheme in ("light", "dark") if (scheme, width) != ("dark", 2560)
    ]
    cells = "".join(
        f'<img style="width:{across}px;height:520px;object-fit:cover;object-position:left top;border:1px solid #999" '
        f'src="{(folder / f"{name}-{scheme}-{width}.png").as_uri()}">'
        for scheme, width, across in shown
    )
    (folder / f"{name}.html").write_text(f'<body style="margin:8px;display:flex;gap:8px;background:#fff">{cells}')
    page = reader.context.new_page()
    page.set_viewport_size({"width": 1840, "height": 540})
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    made = folder / f"{name}.jpg"
    page.screenshot(path=made, type="jpeg", quality=72)
    page.close()
    (folder / f"{name}.html").unlink()
    return made
