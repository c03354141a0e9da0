"""The page on the real server: a small run's model writes, and its corpus is searched."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.inference.browsing import NEEDS_BROWSER, chromium, window

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def address(small_run: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "octavo", "serve", str(small_run), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["address"]
        server.terminate()
        assert server.wait(30) == 0


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with chromium() as browser, window(browser) as opened:
        opened.page.goto(address)
        yield opened.page
        # The strict policy of the server is kept: neither a violation of it nor any other error.
        assert opened.wrong == []


def passage(run: Path) -> tuple[str, str]:
    """Words of a document that was trained on, and its title."""
    for part in sorted((run / "corpus" / "kept").glob("*.parquet")):
        for row in pq.read_table(part).to_pylist():
            if row["lang"] == "en" and row["split"] == "train":
                line = max(row["text"].split("\n"), key=len)
                return " ".join(line.split(" ")[:9]), row["title"]
    raise AssertionError("no English document")


def looked_up(page: Page) -> None:
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"in the corpus(\.|, but)"), timeout=30_000)


def test_a_text_goes_on_and_leads_to_its_source(page: Page, small_run: Path) -> None:
    words, title = passage(small_run)
    page.locator(".setting").first.wait_for(state="attached")
    page.locator("summary").click()
    page.get_by_label("Tokens").fill("16")
    page.get_by_label("Your text").fill(f"🦉 {words}")
    page.get_by_role("button", name="Continue").click()
    looked_up(page)
    assert page.locator(".model").first.text_content()
    found = page.locator("a.found").first
    assert words in (found.text_content() or "")
    found.click()
    panel = page.locator("#panel")
    expect(panel.get_by_role("heading", name=title)).to_be_visible()
    expect(panel.get_by_role("link", name="CC0-1.0").first).to_be_visible()
    page.keyboard.press("Escape")


def test_its_tokens_have_probabilities_as_written_and_as_weighed_afterwards(page: Page) -> None:
    def labels() -> list[str]:
        return [str(each) for each in page.locator(".token").evaluate_all("all => all.map(t => t.ariaLabel)")]

    page.get_by_role("switch", name="Show probabilities").check()
    expect(page.get_by_role("status")).to_contain_text("has its probability", timeout=30_000)
    assert labels()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Your text").fill("The ferry")
    page.get_by_role("button", name="Continue").click()
    looked_up(page)
    assert labels()
    page.locator(".token").first.click()
    assert page.locator("#panel tbody tr").count() in (5, 6)


def test_the_papers_are_one_click_away(page: Page) -> None:
    links = page.get_by_role("navigation").get_by_role("link")
    assert links.count() == 3
    for number in range(3):
        with page.expect_popup() as opening:
            links.nth(number).click()
        expect(opening.value.locator("h1").first).to_be_visible()
        opening.value.close()
