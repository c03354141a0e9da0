"""The page for everyone: a phone, a keyboard alone, a screen reader, dark and light, large print, paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.inference.browsing import (
    NEEDS_BROWSER,
    PROMPT,
    WRITTEN,
    StandIn,
    chromium,
    document,
    span,
    standing_in,
    window,
)

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with standing_in() as server:
        server.spans = [
            span(WRITTEN, "went down to the", document(), document(title="Wasser", language="de")),
            span(WRITTEN, "water.", document(url="x" * 200, before="y" * 300)),
        ]
        yield server


def write(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.address)
    page.get_by_label("Your text").fill(PROMPT)
    page.locator(".setting").first.wait_for(state="attached")
    page.get_by_role("button", name="Continue").click()
    page.locator("a.found").first.wait_for()


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_in_any_state(browser: Browser, stand_in: StandIn, width: int, scheme: str) -> None:
    with window(browser, width, 800, color_scheme=scheme) as opened:
        page = opened.page
        page.goto(stand_in.address)
        page.locator(".setting").first.wait_for(state="attached")
        page.locator("summary").click()
        assert violations(page) == []
        write(page, stand_in)
        assert violations(page) == []
        page.locator("a.found").first.click()
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("switch", name="Show probabilities").check()
        page.locator(".token").first.click()
        assert violations(page) == []
        page.route("**/v1/completions", lambda route: route.fulfill(status=401, json={}))
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("The server asks for a key").wait_for()
        assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(browser: Browser, stand_in: StandIn, width: int) -> None:
    with window(browser, width, 700, has_touch=True, is_mobile=True) as opened:
        page = opened.page

        def fits() -> bool:
            return bool(page.evaluate(f"document.documentElement.scrollWidth <= {width} && innerWidth <= {width}"))

        page.goto(stand_in.address)
        page.locator(".setting").first.wait_for(state="attached")
        page.locator("summary").click()
        assert fits()
        write(page, stand_in)
        assert fits()
        page.locator("a.found").last.tap()
        assert fits()
        panel = page.locator("#panel")
        assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        # The panel comes from below, and what it tells of stays in sight above it.
        top, bottom = panel.bounding_box(), page.locator("a.found").last.bounding_box()
        assert top is not None
        assert bottom is not None
        assert bottom["y"] + bottom["height"] <= top["y"]


def test_all_can_be_done_with_the_keyboard(browser: Browser, stand_in: StandIn) -> None:
    with window(browser) as opened:
        page = opened.page
        keys = page.keyboard
        page.goto(stand_in.address)
        page.locator(".setting").first.wait_for(state="attached")
        keys.press("Tab")
        expect(page.get_by_role("link", name="Skip to the text")).to_be_focused()
        keys.press("Enter")
        keys.press("Tab")
        expect(page.get_by_label("Your text")).to_be_focused()
        keys.type(PROMPT)
        keys.press("Control+Enter")
        found = page.locator("a.found")
        expect(found).to_have_count(2)
        expect(page.get_by_role("button", name="Continue")).to_be_focused()
        while not found.first.evaluate("link => link === document.activeElement"):
            keys.press("Shift+Tab")
        assert found.first.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
        keys.press("Enter")
        expect(page.locator("#panel-title")).to_be_focused()
        keys.press("Tab")
        expect(page.get_by_role("button", name="Close")).to_be_focused()
        keys.press("Tab")
        expect(page.get_by_role("link", name="CC-BY-4.0").first).to_be_focused()
        keys.press("Escape")
        expect(page.locator("#panel")).to_be_hidden()
        expect(found.first).to_be_focused()


def test_the_keyboard_goes_through_tokens_and_stops_the_writing(browser: Browser, stand_in: StandIn) -> None:
    with window(browser) as opened:
        page = opened.page
        keys = page.keyboard
        write(page, stand_in)
        page.get_by_role("switch", name="Show probabilities").focus()
        keys.press("Space")
        tokens = page.locator(".token")
        expect(tokens).to_have_count(5)
        while not tokens.first.evaluate("token => token === document.activeElement"):
            keys.press("Shift+Tab")
        keys.press("ArrowRight")
        expect(page.get_by_role("button", name="“down”, 60 %")).to_be_focused()
        expect(page.locator("#panel")).to_contain_text("over")
        keys.press("Enter")
        expect(page.locator("#panel-title")).to_be_focused()
        keys.press("Escape")
        expect(tokens.nth(1)).to_be_focused()
        stand_in.hold_after = 1
        keys.press("Control+Enter")
        expect(page.get_by_role("status")).to_have_text("Writing …")
        keys.press("Escape")
        expect(page.get_by_role("status")).to_contain_text("Stopped.")
        stand_in.hold_after = None


def test_a_screen_reader_is_told_what_goes_on(browser: Browser, stand_in: StandIn) -> None:
    with window(browser) as opened:
        page = opened.page
        page.add_init_script(
            """addEventListener("DOMContentLoaded", () => {
                window.told = [];
                const status = document.querySelector("[role=status]");
                new MutationObserver(() => told.push(status.textContent)).observe(status, {childList: true});
            })"""
        )
        write(page, stand_in)
        assert page.evaluate("told") == [
            "Writing …",
            "5 words written. The model ended the text here. Looking it up in the corpus …",
            "5 words written. The model ended the text here. 2 passages of this stand word for word in the corpus.",
        ]
        expect(page.locator("a.found").first).to_have_accessible_description("found in the corpus")
        page.locator("a.found").first.click()
        assert page.locator("#panel h3").evaluate_all("all => all.map(e => e.lang)") == ["en", "de"]
        for landmark in ("banner", "main", "contentinfo", "navigation", "complementary"):
            expect(page.get_by_role(landmark)).to_have_count(1)


def test_text_twice_as_large_still_fits(browser: Browser, stand_in: StandIn) -> None:
    # Zoom of 200 % is a window of half the size.
    with window(browser, 640, 450, device_scale_factor=2) as opened:
        page = opened.page
        write(page, stand_in)
        page.locator("a.found").first.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Continue").scroll_into_view_if_needed()
        expect(page.get_by_role("button", name="Continue")).to_be_in_viewport()


def test_on_paper_are_the_text_and_its_sources(browser: Browser, stand_in: StandIn) -> None:
    with window(browser) as opened:
        page = opened.page
        write(page, stand_in)
        page.emulate_media(media="print")
        expect(page.locator("#text")).to_be_visible()
        expect(page.locator("#notes")).to_contain_text("A Letter from the Harbour, Ada Keel, 1872. CC-BY-4.0")
        for left_out in ("nav", ".tools", "#openings", "#settings"):
            expect(page.locator(left_out)).to_be_hidden()


def test_whoever_wants_no_motion_has_none(browser: Browser, stand_in: StandIn) -> None:
    with window(browser) as opened:
        page = opened.page
        write(page, stand_in)
        page.locator("a.found").first.click()
        moving = "document.getAnimations().length"
        assert page.evaluate(moving) == 0
        page.emulate_media(reduced_motion="no-preference")
        page.keyboard.press("Escape")
        page.locator("a.found").first.click()
        assert page.evaluate(moving) == 1
