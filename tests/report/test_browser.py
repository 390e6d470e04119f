"""The report of a small run in a real Chromium: it needs no network, works, and can be read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = pytest.mark.browser

INSTALL = Path(__file__).with_name("chromium.sh")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 390)  # CSS pixels
PATIENCE = 60_000.0  # milliseconds, on a busy machine
KEPT = ("fig4", "figS6")


def find() -> str | None:
    """A Chromium of this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium, installed first where that is allowed."""
    if find() is None:
        if not os.environ.get("QUASIPOTENTIAL_INSTALL_CHROMIUM"):
            pytest.skip("no Chromium; with QUASIPOTENTIAL_INSTALL_CHROMIUM=1 apt may install it")
        done = subprocess.run([INSTALL], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"chromium.sh: {done.stderr.strip() or f'status {done.returncode}'}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def results(browser, new_checkout, tmp_path_factory) -> Path:
    """The results of a run with two figures, the ledger and the report."""
    checkout = new_checkout(tmp_path_factory.mktemp("report") / "checkout")
    numbers = [*range(1, 10), *(f"S{n}" for n in range(1, 18))]
    others = {f"fig{number}": None for number in numbers if f"fig{number}" not in KEPT}
    small = checkout.path / "small.yaml"
    small.write_text(yaml.safe_dump({"figures": others, "claims": None}), encoding="utf-8")
    checkout.snakemake("small.yaml", "--cores", "2", "--", "page")  # a second --configfile
    return checkout.path / "results"


@dataclass
class Events:
    """What a page asked for, and what it complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(params=WIDTHS)
def opened(request, browser, results) -> Iterator[tuple[Page, Events]]:
    """The page in a window of each width, without a network."""
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, offline=True, accept_downloads=True
    )
    page, events = context.new_page(), Events()
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda asked: events.requests.append(asked.url))
    page.on("requestfailed", lambda asked: events.complaints.append(f"failed: {asked.url}"))
    page.on("pageerror", lambda error: events.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: said.type in ("error", "warning") and events.complaints.append(said.text),
    )
    page.goto((results / "report.html").as_uri())
    yield page, events
    context.close()


def shown(page: Page, column: int) -> list[str]:
    """Texts of a column of the ledger, in the rows that are not hidden."""
    rows = "#values tbody tr:not([hidden])"
    return page.locator(f"{rows} td:nth-child({column + 1})").all_inner_texts()


def column(page: Page, title: str) -> int:
    titles = page.locator("#values thead th").all_inner_texts()
    return titles.index(title)


@pytest.fixture
def ledger(results) -> pd.DataFrame:
    return pd.read_csv(results / "figures" / "ledger.csv")


def test_loads_from_one_file_without_complaint(opened, results):
    page, events = opened
    page.wait_for_load_state("networkidle")
    outside = [url for url in events.requests if not url.startswith("data:")]
    assert outside == [(results / "report.html").as_uri()]
    assert not events.complaints


def test_the_policy_of_the_page_stops_requests(opened):
    page, events = opened
    page.evaluate("new Image().src = 'https://example.org/picture.png'")
    page.wait_for_timeout(200)
    assert "Content Security Policy" in events.complaints[0]


def test_each_figure_is_drawn_and_fits(opened):
    page, _ = opened
    for name in KEPT:
        image = page.locator(f"#{name} img")
        image.scroll_into_view_if_needed()
        expect(image).to_be_in_viewport()
        assert image.evaluate("image => image.complete && image.naturalWidth") > 100
        box = image.bounding_box()
        assert 300 < box["width"] <= page.viewport_size["width"]
        assert len(image.get_attribute("alt")) > 20
    graph = page.get_by_role("img", name="Graph of the rules")
    graph.scroll_into_view_if_needed()
    assert graph.bounding_box()["height"] > 50


def test_nothing_is_wider_than_the_window(opened):
    page, _ = opened
    page.get_by_label("More columns").check()
    widest = page.evaluate("document.documentElement.scrollWidth")
    assert widest <= page.viewport_size["width"]


def test_ledger_sorts_by_click_and_by_key(opened, ledger):
    page, _ = opened
    place = column(page, "Published")
    head = page.locator("#values thead th").nth(place)
    button = head.get_by_role("button")

    def published() -> list[float]:
        cells = page.locator(f"#values tbody tr td:nth-child({place + 1})")
        return [float(text) for text in cells.evaluate_all("all => all.map(c => c.dataset.value)")]

    assert published() == pytest.approx(ledger["published"].tolist())
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert published() == pytest.approx(sorted(ledger["published"]))
    button.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert published() == pytest.approx(sorted(ledger["published"], reverse=True))
    # What has no number stays last.
    deviation = page.locator("#values thead th", has_text="Difference").get_by_role("button")
    for _ in range(2):
        deviation.press("Space")
        texts = shown(page, column(page, "Difference/error"))
        assert texts.index("") == ledger["deviation"].notna().sum()


def test_ledger_filters(opened, ledger):
    page, _ = opened
    status = page.get_by_role("status")
    everything = f"{len(ledger)} of {len(ledger)} rows shown."
    expect(status).to_have_text(everything)
    page.get_by_label("Quantity").select_option("C")
    found = (ledger["quantity"] == "C").sum()
    assert 0 < found < len(ledger)
    assert shown(page, column(page, "Quantity")) == ["C"] * found
    expect(status).to_have_text(f"{found} of {len(ledger)} rows shown.")
    page.get_by_role("button", name="Show all rows").press("Enter")
    expect(status).to_have_text(everything)

    verdicts = ledger.loc[ledger["figure"] == "fig4", "verdict"]
    verdict = verdicts.mode()[0]
    counted = (verdicts == verdict).sum()
    choice = page.get_by_role("button", name=f"Figure 4, {verdict}: {counted} rows")
    choice.press("Enter")
    assert choice.get_attribute("aria-pressed") == "true"
    assert shown(page, column(page, "Verdict")) == [verdict] * counted

    page.get_by_role("button", name="Show all rows").click()
    page.get_by_label("Words").fill("fig. 4  REPRODUCES")
    agreed = (verdicts == "reproduces").sum()
    expect(status).to_have_text(f"{agreed} of {len(ledger)} rows shown.")
    page.get_by_label("Words").fill("nonsense")
    expect(status).to_have_text(f"0 of {len(ledger)} rows shown.")


def test_figures_lead_to_their_rows_and_files(opened, ledger):
    page, _ = opened
    page.locator("#fig4").get_by_role("button").click()
    expect(page.get_by_role("region", name="The ledger")).to_be_focused()
    assert len(shown(page, 0)) == (ledger["figure"] == "fig4").sum()
    with page.expect_download() as download:
        page.get_by_role("link", name="fig4.pdf").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")


def test_keyboard_reaches_the_ledger_first(opened):
    page, _ = opened
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the ledger")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Reproduction ledger")).to_be_in_viewport()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('section').id") == "ledger"


def test_axe_finds_nothing_serious(opened):
    page, _ = opened
    page.get_by_label("More columns").check()
    violations = Axe().run(page).response["violations"]
    serious = [found for found in violations if found["impact"] in ("serious", "critical")]
    assert not serious, [(found["id"], found["nodes"][0]["html"]) for found in serious]
