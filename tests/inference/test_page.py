"""What a person sees and does on the page, in a browser; a stand-in answers in the server's place."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.inference.browsing import (
    NEEDS_BROWSER,
    PROMPT,
    WEB,
    WRITTEN,
    Opened,
    StandIn,
    begin,
    done,
    text_of,
)

pytestmark = NEEDS_BROWSER


class TestWriting:
    def test_the_model_goes_on_where_the_person_ended(self, page: Page, stand_in: StandIn) -> None:
        begin(page)
        done(page)
        assert text_of(page) == WRITTEN
        assert page.locator(".person").all_text_contents() == [PROMPT]
        assert page.locator(".model").all_text_contents() == [" went down to the water."]
        expect(page.get_by_role("status")).to_contain_text("5 words written. The model ended the text here.")
        asked = stand_in.asked[0]
        assert asked["prompt"] == PROMPT
        assert (asked["temperature"], asked["repetition_penalty"], asked["stream"]) == (0, 1.1, True)
        assert "logprobs" not in asked

    def test_whose_words_are_whose_shows_in_more_than_colour(self, page: Page) -> None:
        begin(page)
        done(page)
        styles = [page.locator(by).evaluate("e => getComputedStyle(e).fontStyle") for by in (".person", ".model")]
        assert styles == ["italic", "normal"]

    def test_the_text_grows_while_it_is_written(self, page: Page, stand_in: StandIn) -> None:
        stand_in.hold_after = 2
        begin(page)
        expect(page.locator("#text")).to_have_text("The old keeper went down")
        expect(page.get_by_role("status")).to_have_text("Writing …")
        expect(page.locator("#text")).to_have_attribute("aria-busy", "true")
        # A screen reader may keep back what it is told within what is busy.
        assert page.get_by_role("status").evaluate("status => !status.closest('[aria-busy=true]')")
        stand_in.go.set()
        expect(page.locator("#text")).to_have_text(WRITTEN)
        expect(page.locator("#text")).to_have_attribute("aria-busy", "false")

    def test_stop_ends_it_at_the_server_too_and_keeps_what_is_written(self, page: Page, stand_in: StandIn) -> None:
        stand_in.hold_after = 2
        begin(page)
        expect(page.locator("#text")).to_have_text("The old keeper went down")
        page.get_by_role("button", name="Stop").click()
        done(page)
        expect(page.get_by_role("status")).to_contain_text("2 words written. Stopped.")
        assert text_of(page) == "The old keeper went down"
        assert stand_in.gone.wait(5)
        assert stand_in.traced == ["The old keeper went down"]

    def test_it_continues_from_where_it_ended(self, page: Page, stand_in: StandIn) -> None:
        begin(page)
        done(page)
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#text")).to_have_text(WRITTEN + " went down to the water.")
        assert stand_in.asked[1]["prompt"] == WRITTEN

    def test_an_edit_is_the_persons_and_the_rest_stays_whose_it_was(self, page: Page, stand_in: StandIn) -> None:
        begin(page)
        done(page)
        page.get_by_role("button", name="Edit").click()
        expect(page.get_by_label("Your text")).to_have_value(WRITTEN)
        page.get_by_label("Your text").fill("The old keeper went up to the water. 🦉 So")
        page.get_by_role("button", name="Continue").click()
        done(page)
        assert stand_in.asked[1]["prompt"] == "The old keeper went up to the water. 🦉 So"
        assert page.locator(".model").first.text_content() == " went "
        assert text_of(page).endswith("🦉 So went down to the water.")

    def test_no_edit_loses_anything_or_splits_a_character(self, page: Page) -> None:
        draw = random.Random(1)
        # The owl and the fox share the first half of their two units.
        pairs = [["".join(draw.choices("a🦉🦊", k=draw.randint(0, 6))) for _ in range(2)] for _ in range(500)]
        wrong = page.evaluate(
            """pairs => import("/web/sheet.js").then(({ edited, textOf }) => pairs.filter(([before, after]) => {
                const parts = [...before].map(text => ({ by: "model", text, tokens: [] }));
                const now = edited(parts, after);
                return textOf(now) !== after || now.some(({ text }) => !text.isWellFormed());
            }))""",
            pairs,
        )
        assert wrong == []

    def test_an_opening_is_taken_up_in_its_language(self, page: Page, stand_in: StandIn) -> None:
        opening = page.locator("#openings button").filter(has_text="Buchdrucker geweſen")
        opening.click()
        expect(page.get_by_label("Your text")).to_be_focused()
        expect(page.get_by_label("Your text")).to_have_attribute("lang", "de")
        page.get_by_role("button", name="Continue").click()
        done(page)
        expect(page.locator("#text")).to_have_attribute("lang", "de")
        assert "ſ" in stand_in.asked[0]["prompt"]

    def test_openings_are_there_in_eight_languages_with_old_spelling(self, page: Page) -> None:
        marked = page.locator("#openings [lang]")
        langs = marked.evaluate_all("all => all.map(e => e.lang)")
        assert langs == [lang for lang in ("en", "fr", "es", "de", "it", "nl", "la", "pt") for _ in range(2)]
        old = [text for text in marked.all_text_contents() if "ſ" in text]
        assert len(old) == 8

    def test_a_text_is_begun_anew_and_the_last_one_can_be_brought_back(self, page: Page) -> None:
        begin(page)
        done(page)
        page.get_by_role("button", name="Begin anew").click()
        expect(page.get_by_label("Your text")).to_have_value("")
        page.get_by_role("button", name="Bring back the last text").click()
        expect(page.get_by_label("Your text")).to_have_value(WRITTEN)

    def test_the_whole_text_is_copied(self, page: Page) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        begin(page)
        done(page)
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == WRITTEN

    def test_nothing_is_asked_for_an_empty_sheet(self, page: Page, stand_in: StandIn) -> None:
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("status")).to_contain_text("Begin with a few words")
        assert stand_in.asked == []

    def test_a_full_context_is_said(self, page: Page, stand_in: StandIn) -> None:
        stand_in.finish = "context"
        begin(page)
        done(page)
        expect(page.get_by_role("status")).to_contain_text("context of 512 tokens is full")


class TestSettings:
    def test_what_is_set_is_sent_and_can_be_reset(self, page: Page, stand_in: StandIn) -> None:
        page.get_by_text("Settings: as recommended").click()
        page.get_by_label("Temperature").fill("0.7")
        page.get_by_label("Seed").fill("7")
        page.get_by_label("Stop at").fill("\\n\\n\nFINIS")
        expect(page.get_by_text("Settings: 3 changed")).to_be_visible()
        begin(page)
        done(page)
        asked = stand_in.asked[0]
        assert (asked["temperature"], asked["seed"], asked["stop"]) == (0.7, 7, ["\n\n", "FINIS"])
        page.get_by_role("button", name="Reset to recommended").click()
        expect(page.get_by_text("Settings: as recommended")).to_be_visible()
        expect(page.get_by_label("Temperature")).to_have_value("0")

    def test_each_is_explained_with_its_recommended_value(self, page: Page) -> None:
        page.get_by_text("Settings: as recommended").click()
        fields = page.locator("#settings input, #settings textarea")
        assert fields.count() == 8
        for number in range(8):
            about = page.locator(f"#{fields.nth(number).get_attribute('aria-describedby')}")
            expect(about).to_contain_text("Recommended: ")

    def test_what_a_model_recommends_is_never_out_of_range(self, shared: Opened, stand_in: StandIn) -> None:
        odd = {"temperature": 3.0, "repetition_penalty": 0.9}
        stand_in.about = stand_in.about | {"defaults": stand_in.about["defaults"] | odd}
        page = shared.go(stand_in.address)
        begin(page)
        done(page)
        assert (stand_in.asked[0]["temperature"], stand_in.asked[0]["repetition_penalty"]) == (3, 0.9)

    def test_what_cannot_be_is_not_sent(self, page: Page, stand_in: StandIn) -> None:
        page.get_by_text("Settings: as recommended").click()
        page.get_by_label("Tokens").fill("100000")
        page.locator("summary").click()
        begin(page)
        expect(page.get_by_label("Tokens")).to_be_focused()
        assert stand_in.asked == []


class TestErrors:
    """Each is told where it happened, and loses nothing of what was written."""

    @pytest.fixture
    def page(self, shared: Opened, stand_in: StandIn) -> Iterator[Page]:
        yield shared.go(stand_in.address)
        # The browser itself logs an answer of 4xx as an error.
        assert [said for said in shared.wrong if not said.startswith("Failed to load resource")] == []

    def test_a_busy_model(self, page: Page, stand_in: StandIn) -> None:
        stand_in.refusals = [(429, {"Retry-After": "3"}, "queue full")]
        begin(page)
        expect(page.get_by_role("alert")).to_contain_text("busy with the texts of others. Try again in 3 s.")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#go")).to_be_focused()
        done(page)
        assert text_of(page) == WRITTEN
        expect(page.get_by_role("alert")).to_be_empty()

    def test_a_key_is_asked_for_and_kept_nowhere(self, page: Page, stand_in: StandIn) -> None:
        stand_in.key = "sesame"
        begin(page)
        expect(page.get_by_label("The server asks for a key")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This key is not the right one.")
        page.keyboard.type("ſeſame")  # which no header could carry
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This key is not the right one.")
        page.keyboard.type(" sesame ")
        page.keyboard.press("Enter")
        done(page)
        assert text_of(page) == WRITTEN
        kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, document.body.outerHTML])"
        assert "sesame" not in page.evaluate(kept)

    def test_a_connection_that_breaks_in_the_middle(self, page: Page, stand_in: StandIn) -> None:
        stand_in.lost_after = 3
        begin(page)
        expect(page.locator("#text")).to_have_text("The old keeper went down to")
        stand_in.go.set()
        expect(page.get_by_role("alert")).to_contain_text("The connection to the model was lost.")
        assert text_of(page) == "The old keeper went down to"
        stand_in.lost_after = None
        page.get_by_role("button", name="Try again").click()
        done(page)
        assert text_of(page) == "The old keeper went down to went down to the water."

    def test_a_server_that_is_gone(self, page: Page) -> None:
        page.route("**/v1/completions", lambda route: route.abort())
        begin(page)
        expect(page.get_by_role("alert")).to_contain_text("The model cannot be reached")
        assert text_of(page) == PROMPT

    def test_what_the_server_refuses_is_told_in_its_words(self, page: Page, stand_in: StandIn) -> None:
        stand_in.refusals = [(400, {}, "the prompt has 900 tokens: the context is 512 <b>")]
        begin(page)
        expect(page.get_by_role("alert")).to_contain_text("the prompt has 900 tokens: the context is 512 <b>")

    def test_a_search_that_fails_leaves_the_text(self, page: Page) -> None:
        page.route("**/trace", lambda route: route.fulfill(status=503, json={"error": {"message": "no index now"}}))
        begin(page)
        expect(page.get_by_role("alert")).to_contain_text("no index now")
        assert text_of(page) == WRITTEN
        page.unroute("**/trace")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#go")).to_be_focused()
        done(page)


class TestAboutTheModel:
    def test_it_names_the_model_and_its_papers(self, page: Page) -> None:
        expect(page).to_have_title("starter · octavo")
        expect(page.get_by_role("heading", level=1)).to_have_text("starter")
        for name in ("Model card", "Training summary", "Evaluation report"):
            expect(page.get_by_role("navigation").get_by_role("link", name=name)).to_be_visible()
        told = page.get_by_role("contentinfo")
        for fact in ("5,180,672 parameters", "BF16", "512 tokens", "240 documents"):
            expect(told).to_contain_text(fact)
        # Whether localhost is this machine or the end of a tunnel, the page cannot know.
        expect(page.locator("#lead")).to_contain_text(f"What you write goes to {page.evaluate('location.host')}")

    def test_it_is_small(self) -> None:
        assert sum(len(part.read_bytes()) for part in WEB.iterdir()) < 60_000
