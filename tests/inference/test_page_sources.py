"""What the page tells of a text: where it stands in the corpus, and how likely each word was."""

from __future__ import annotations

import re

import pytest
from license_expression import get_spdx_licensing
from playwright.sync_api import Page, Route, expect

from octavo.corpus.licence_names import NAMES
from tests.inference.browsing import (
    NEEDS_BROWSER,
    POLICY,
    WEB,
    WRITTEN,
    Opened,
    StandIn,
    begin,
    document,
    done,
    span,
    text_of,
)

pytestmark = NEEDS_BROWSER


class TestTracing:
    def test_what_is_found_is_underlined_and_opens_its_sources(self, page: Page, stand_in: StandIn) -> None:
        stand_in.spans = [span(WRITTEN, "went down to the water", document(), count=3)]
        begin(page)
        found = page.locator("a.found")
        expect(found).to_have_text("went down to the water")
        assert "underline" in found.evaluate("e => getComputedStyle(e).textDecorationLine")
        expect(page.get_by_role("status")).to_contain_text("1 passage of this stands word for word in the corpus.")
        found.click()
        panel = page.locator("#panel")
        expect(panel.get_by_role("heading", level=2)).to_be_focused()
        expect(panel).to_contain_text("5 words, 3 times in the corpus")
        for told in ("A Letter from the Harbour", "Ada Keel", "1872", "English", "Letters", "letters/1"):
            expect(panel).to_contain_text(told)
        assert panel.locator("mark").text_content() == "went down to the water"
        assert "In the evening she went down" in (panel.locator(".passage").text_content() or "")
        for name, href in {
            "CC-BY-4.0": "https://spdx.org/licenses/CC-BY-4.0.html",
            "example.org": "https://example.org/letters/1",
        }.items():
            link = panel.get_by_role("link", name=name)
            expect(link).to_have_attribute("href", href)
            expect(link).to_have_attribute("rel", "noopener noreferrer")

    def test_a_span_may_lie_in_the_prompt(self, page: Page, stand_in: StandIn) -> None:
        stand_in.spans = [span(WRITTEN, "keeper went down", document())]
        begin(page)
        found = page.locator("a.found")
        expect(found).to_have_text("keeper went down")
        assert found.locator(".person").text_content() == "keeper"
        assert found.locator(".model").text_content() == " went down"

    def test_spans_that_overlap_have_one_line_and_one_note(self, page: Page, stand_in: StandIn) -> None:
        stand_in.spans = [
            span(WRITTEN, "to the water", document(title="Of Water")),
            span(WRITTEN, "went down to", document(title="Of Descent")),
        ]
        begin(page)
        expect(page.locator("a.found")).to_have_text("went down to the water")
        expect(page.locator("#notes li")).to_have_count(1)
        page.locator("#notes button").click()
        # The order in which they came: the rarest first.
        assert page.locator("#panel h3").all_text_contents() == ["Of Water", "Of Descent"]

    def test_offsets_are_code_points(self, page: Page, stand_in: StandIn) -> None:
        prompt = "𝔒𝔩𝔡 🦉👩‍🚀 keeper"
        stand_in.pieces = [" went 🌊 down", " to"]
        stand_in.spans = [span(prompt + " went 🌊 down to", "🌊 down", document())]
        begin(page, prompt)
        expect(page.locator("a.found")).to_have_text("🌊 down")

    def test_nothing_verbatim_is_said_with_the_longest_stretch(self, page: Page) -> None:
        begin(page)
        told = "Nothing of this stands word for word in the corpus, but for phrases of at most 3 words."
        expect(page.get_by_role("status")).to_contain_text(told)
        expect(page.locator("#notes")).to_be_hidden()

    def test_without_an_index_it_says_so(self, shared: Opened, stand_in: StandIn) -> None:
        stand_in.about = stand_in.about | {"trace": None}
        page = shared.go(stand_in.address)
        begin(page)
        expect(page.get_by_role("status")).to_contain_text("this model came without an index")
        assert stand_in.traced == []

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "data:text/html,<b>", "file:///etc/passwd", "no address"]
    )
    def test_only_addresses_of_the_web_become_links(self, page: Page, stand_in: StandIn, url: str) -> None:
        stand_in.spans = [span(WRITTEN, "went down", document(url=url, licence="LicenseRef-Public-Domain"))]
        begin(page)
        page.locator("a.found").click()
        expect(page.locator("#panel")).to_contain_text(url)
        expect(page.locator("#panel")).to_contain_text("Public domain")
        expect(page.locator("#panel a")).to_have_count(0)

    def test_what_is_not_known_of_a_document_is_left_out(self, page: Page, stand_in: StandIn) -> None:
        unknown = dict.fromkeys(("title", "creator", "date", "language", "collection", "url"))
        stand_in.spans = [span(WRITTEN, "went down", document(**unknown))]
        begin(page)
        page.locator("a.found").click()
        assert page.locator("#panel dt").all_text_contents() == ["Licence"]
        expect(page.locator("#panel h3")).to_have_text("letters/1")

    def test_spdx_has_a_page_for_each_licence_that_is_linked(self, page: Page) -> None:
        known = set(get_spdx_licensing().known_symbols)
        source = (WEB / "licences.js").read_text().split("new Set(")[1].split(".split")[0]
        listed = {name for line in re.findall(r'"(.+?)"', source) for name in line.split()}
        assert listed <= known
        plain = re.compile(r"CC-BY(-NC)?(-ND|-SA)?-\d\.\d")
        expected = {name for name in NAMES if not name.startswith("LicenseRef-")}
        expected |= {name for name in known if plain.fullmatch(name)}
        linked = "all => import('/web/licences.js').then(m => all.filter(id => m.licence(id)[0].href))"
        assert set(page.evaluate(linked, sorted(expected))) == expected
        assert page.evaluate(linked, ["CC-BY-5.0", "CC-BY-SA-ND-4.0", "LicenseRef-CC-BY", "x"]) == []


class TestProbabilities:
    def test_each_token_tells_its_chance_and_what_else_there_was(self, page: Page, stand_in: StandIn) -> None:
        page.get_by_role("switch", name="Show probabilities").check()
        begin(page)
        done(page)
        assert stand_in.asked[0]["logprobs"] == 5
        token = page.get_by_role("button", name="“water”, 60 %")
        expect(token).to_have_class("model token p1")
        token.hover()
        rows = page.locator("#panel tbody tr").all_text_contents()
        assert rows == ["␣water written60 %", "␣over20 %", "␣<b>4.1 %"]

    def test_how_full_the_shade_is_tells_it_without_colour(self, page: Page, stand_in: StandIn) -> None:
        page.get_by_role("switch", name="Show probabilities").check()
        begin(page)
        done(page)
        shades = page.evaluate(
            """() => [0, 1, 2, 3, 4, 5].map(n => {
                const token = document.querySelector(".token"); token.className = `model token p${n}`;
                return parseFloat(getComputedStyle(token).backgroundSize.split(" ")[1]);
            })"""
        )
        assert shades == sorted(set(shades))
        expect(page.locator("#legend")).to_be_visible()

    def test_a_text_that_was_written_without_them_is_weighed(self, page: Page, stand_in: StandIn) -> None:
        prompt = "The 🦉 keeper"
        stand_in.pieces = [" went", " 🌊", " down"]
        begin(page, prompt)
        done(page)
        page.get_by_role("switch", name="Show probabilities").check()
        tokens = page.locator(".token")
        expect(tokens).to_have_text([" went", " 🌊", " down"])
        expect(page.locator(".person")).to_have_text(prompt)
        asked = stand_in.asked[1]
        assert (asked["prompt"], asked["echo"], asked["max_tokens"]) == (prompt + " went 🌊 down", True, 0)

    def test_one_who_wishes_for_them_while_it_writes_gets_them_at_the_end(
        self, page: Page, stand_in: StandIn
    ) -> None:
        stand_in.hold_after = 2
        begin(page)
        expect(page.locator("#text")).to_have_text("The old keeper went down")
        page.get_by_role("switch", name="Show probabilities").check()
        stand_in.go.set()
        expect(page.locator(".token")).to_have_count(5)
        assert stand_in.asked[1]["prompt"] == WRITTEN

    def test_to_ask_for_them_does_not_stop_the_search(self, page: Page, stand_in: StandIn) -> None:
        stand_in.spans = [span(WRITTEN, "went down", document())]
        held: list[Route] = []
        page.route("**/trace", lambda route: held.append(route))
        begin(page)
        expect(page.get_by_role("status")).to_contain_text("Looking it up in the corpus …")
        page.get_by_role("switch", name="Show probabilities").check()
        expect(page.locator(".token")).to_have_count(5)
        held[0].continue_()
        expect(page.locator(".found")).to_have_text([" went", " down"])
        expect(page.get_by_role("status")).to_contain_text("1 passage of this stands word for word in the corpus.")


class TestHtml:
    """What people, models and documents write is text; the policy would stop it if it were not."""

    EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"

    def test_it_is_shown_as_text_everywhere(self, page: Page, stand_in: StandIn) -> None:
        stand_in.pieces = [f" {self.EVIL}"]
        whole = f"{self.EVIL} {self.EVIL}"
        names = ("identifier", "title", "creator", "date", "language", "collection", "licence", "url")
        evil = document(**dict.fromkeys((*names, "before", "passage", "after"), self.EVIL))
        stand_in.spans = [span(whole, self.EVIL, evil)]
        page.get_by_role("switch", name="Show probabilities").check()
        begin(page, self.EVIL)
        done(page)
        assert text_of(page) == whole
        page.locator("#notes button").click()
        assert (page.locator("#panel").text_content() or "").count(self.EVIL) == len(names) + 4
        page.locator(".token").click()
        expect(page.locator("#panel")).to_contain_text("<b>")
        assert page.locator("main img, main script, aside img, aside script").count() == 0

    def test_the_policy_lets_nothing_else_run(self, page: Page, visit: Opened) -> None:
        assert "script-src 'self'" in POLICY
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
        )
        assert page.evaluate("window.ran") is None
        assert "Content Security Policy" in visit.wrong.pop()
