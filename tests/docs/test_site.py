"""The site is built of the pages as they are, all of them, and fetches nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import sync_playwright

from .blocks import ROOT, pages

DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)")


def index() -> list[dict[str, object]]:
    """The pages as docs/README.md lists them, in the form of a nav: sections, groups in them, pages."""
    nav: list[dict[str, object]] = [{"Octavo": "README.md"}]
    here: list[object] = []
    for line in (DOCS / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = here = []
            nav.append({line.removeprefix("## "): section})
        elif line.startswith("### "):
            here = []
            section.append({line.removeprefix("### "): here})
        elif page := re.match(r"- \[([^]]+)\]\(([^)]+\.md)\)", line):
            here.append({page[1]: page[2]})
    return [
        {name: held[0][name] if len(held) == 1 and name in held[0] else held}
        if isinstance(held, list)
        else {name: held}
        for entry in nav
        for name, held in entry.items()
    ]


def test_the_nav_is_the_index():
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"] == index()


def test_the_index_has_every_page():
    listed = set(re.findall(r"\]\(([^)]+\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"} == listed


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_the_reader_has(page: Path):
    """Of a page of the documentation to others of it, as the site has no more; of other pages to files of the repository."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    home = DOCS if page.is_relative_to(DOCS) else ROOT
    wrong = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        target = (page.parent / link.partition("#")[0]).resolve()
        if "://" not in link and not link.startswith("#") and not (target.exists() and target.is_relative_to(home)):
            wrong.append(link)
    assert wrong == []


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(DOCS, folder / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def test_every_page_is_on_the_site(site):
    made = {str(page.relative_to(site).with_suffix("")) for page in site.rglob("*.html")}
    written = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")}
    assert made == written - {"README"} | {"index", "404"}


class Loaded(HTMLParser):
    """What a browser fetches for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag != "a":
            self.addresses += [value for name in ("href", "src", "srcset", "data") if (value := named.get(name))]


def test_no_page_loads_anything_from_another_host(site):
    loaded = Loaded()
    for page in site.rglob("*.html"):
        loaded.feed(page.read_text(encoding="utf-8"))
    assert loaded.addresses != []
    assert [address for address in loaded.addresses if re.match(r"(\w+:)?//", address)] == []
    styles = [style.read_text(encoding="utf-8") for style in site.rglob("*.css")]
    assert [found for style in styles for found in re.findall(r"url\(['\"]?(?:https?:)?//[^)]*", style)] == []


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_every_page_fits_a_phone_and_asks_no_other_host(site):
    """Read from the disk, as a person does who was given the folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        asked: list[str] = []
        phone.on("request", lambda request: asked.append(request.url))
        wide = []
        for page in sorted(site.rglob("*.html")):
            phone.goto(page.as_uri(), wait_until="load")
            if phone.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(str(page.relative_to(site)))
        browser.close()
    assert wide == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
