"""The readers of documents as people write them: HTML, Markdown, EPUB, PDF and Project Gutenberg's text."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import fs

from octavo.corpus.locations import Location
from octavo.corpus.readers import epub, gutenberg, html, markdown, pdf, plain_text
from octavo.corpus.readers import reading as readers
from octavo.corpus.readers.reading import Reader, Unreadable
from octavo.corpus.schema import SOURCE_SCHEMA
from octavo.recipe.schema import Source

RAW = Path(__file__).parent.parent.parent.parent / "shared" / "corpus" / "raw"

shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not RAW.is_dir(), reason="the real corpus is not beside the repository"),
]

Document = dict[str, Any]


def pieces(reader: Reader, path: Path) -> tuple[list[Document], list[Unreadable]]:
    """The documents of a file, without their null columns, and what was set aside."""
    documents: list[Document] = []
    aside = []
    for piece in reader(Location(str(path), "", fs.LocalFileSystem(), str(path)), Source(path=str(path))):
        if isinstance(piece, Unreadable):
            aside.append(piece)
        else:
            assert piece.schema == SOURCE_SCHEMA
            documents += [{k: v for k, v in row.items() if v is not None} for row in piece.to_pylist()]
    return documents, aside


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


Write = Callable[[str, str | bytes], Path]


def document(reader: Reader, path: Path) -> Document:
    documents, aside = pieces(reader, path)
    assert aside == []
    (found,) = documents
    return found


def refusal(reader: Reader, path: Path) -> Unreadable:
    documents, aside = pieces(reader, path)
    assert documents == []
    (found,) = aside
    assert found.where == str(path)
    assert path.read_bytes().startswith(found.content)
    return found


WORDS = st.lists(
    st.text(st.characters(categories=["L"], max_codepoint=0x17F), min_size=1, max_size=8), min_size=1, max_size=8
)
PARAGRAPHS = st.lists(WORDS, min_size=1, max_size=5)


class TestHtml:
    @pytest.mark.parametrize(
        ("markup", "text"),
        [
            ("<h1>Aeneis</h1><p>Arma virumque\n  cano</p><p>Troiae</p>", "Aeneis\n\nArma virumque cano\n\nTroiae"),
            ("<p>Arma<br>virumque<br />cano", "Arma\nvirumque\ncano"),
            ("<p>op<b>le</b>veren en <i>daar</i>, ja", "opleveren en daar, ja"),
            ("<p>a</p><ul><li>Pfeffer<li><p>Salz</p></ul><p>b", "a\n\n- Pfeffer\n- Salz\n\nb"),
            ("<ol start=3><li>drei<li>vier<li value=9>neun<li>zehn</ol>", "3. drei\n4. vier\n9. neun\n10. zehn"),
            ("<ol><li>1. schon gezählt</ol><ul><li>a) auch</ul>", "1. schon gezählt\n\na) auch"),
            ("<ul><li>een<ul><li>twee</ul><li>drie</ul>", "- een\n\n  - twee\n- drie"),
            ("<ul><li><ul><li>alleen</ul></ul>", "- alleen"),
            ("<table><tr><th>Jahr<th>Ort<tr><td>1515<td>Basel</table>", "Jahr | Ort\n1515 | Basel"),
            ("<table><tr><td><p>een<p>twee<td>drie</table>", "een\n\ntwee\n\ndrie"),
            ("<dl><dt>datum<dd>1996</dl>", "datum\n1996"),
            ("<pre>\n  tail\n    tail\n</pre>", "  tail\n    tail"),
            ("<p>a<script>b()</script><style>c</style><!-- d --><nav>e</nav><p hidden>f<p>g", "a\n\ng"),
            ("<p>a<p style='display: none'>b<p aria-hidden='true'>c", "a"),
            ("<p>Cſ ﬁ&shy;n é &amp; &lt;i&gt;", "Cſ ﬁn é & <i>"),
            ("<p><img alt='S' src=s.png>trange<img alt='a ship'>", "Strange"),
            ("<p>&nbsp;</p><p></p><div><div>a</div></div>", "a"),
            ("a<footer><p>[1] note</footer>", "a\n\n[1] note"),
        ],
    )
    def test_the_structure_is_kept_and_what_is_not_read_goes(self, markup: str, text: str) -> None:
        assert html.text_of(markup).text == text

    @pytest.mark.parametrize(
        "poem",
        [
            "<p class=poem>Arma virumque cano,<br>\n   Troiae qui<br>\n<br>Italiam fato</p>",
            "<div class=poem><span class=i0>Arma virumque cano,</span><br><span class=i2>Troiae qui<br></span>"
            "<div class=stanza><span class=i0>Italiam fato</span></div></div>",
            "<div class=poetry><div class=stanza><div class='verse indent0'>Arma virumque cano,</div>\n"
            "<div class=verse>Troiae qui</div></div><div class=stanza><div class=verse>Italiam fato</div></div></div>",
        ],
    )
    def test_verse_is_kept_line_by_line_with_its_stanzas(self, poem: str) -> None:
        assert html.text_of(f"<p>a</p>{poem}<p>b</p>").text == (
            "a\n\nArma virumque cano,\nTroiae qui\n\nItaliam fato\n\nb"
        )

    @pytest.mark.parametrize(
        "number",
        [
            "<span class='pagenum'>[Pg 10]</span>",
            "<span class=pageno id=p10>10</span>",
            "<span epub:type='pagebreak' title='10'></span>",
            "<a name='Page_10' id='Page_10'>[Pg 10]</a>",
            "<span role='doc-pagebreak'>x</span>",
        ],
    )
    def test_page_numbers_go_and_leave_words_whole(self, number: str) -> None:
        assert html.text_of(f"<p>op{number}leveren</p>").text == "opleveren"

    def test_a_chapter_that_begins_a_page_stays(self) -> None:
        assert html.text_of("<div class=pagebreak><p>Arma virumque cano, Troiae</p></div>").text

    def test_what_a_page_says_of_itself(self, write: Write) -> None:
        page = """<html lang="pt"><head><title>Os  Lusíadas</title>
            <meta name="DC.creator" content="Camões, Luís de, 1524?-1580"><meta name="DC.date" content="1572">
            <link rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/"></head><p>As armas"""
        path = write("lus.html", page)
        assert document(html.read, path) == {
            "identifier": str(path),
            "title": "Os Lusíadas",
            "creator": "Camões, Luís de, 1524?-1580",
            "date": "1572",
            "language": "pt",
            "license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "text": "As armas",
        }

    @pytest.mark.parametrize(
        ("markup", "stated"),
        [
            ("<a rel='nofollow license' href='https://x.org/by'>CC", "https://x.org/by"),
            ("<meta name=dcterms.rights content='Public Domain'>", "Public Domain"),
            ('<script type="application/ld+json">{"@graph":[{"license":{"@id":"CC0"}}]}</script>', "CC0"),
            ('<script type="application/ld+json">{"license": ["MIT"]}</script>', "MIT"),
            (
                '<script type="application/ld+json">{"@type": "NewsArticle", "image": {"@type": "ImageObject", '
                '"license": "CC0"}}</script><meta name=dc.rights content="All rights reserved">',
                "All rights reserved",
            ),
            ('<script type="application/ld+json">[{"@type": ["ImageObject"], "license": "CC0"}]</script>', None),
            ('<script type="application/ld+json">{"mainEntity": {"license": "CC0"}}</script>', "CC0"),
            ('<script type="application/ld+json">{broken</script>', None),
            ("<a rel=license>no address</a>", None),
        ],
    )
    def test_the_licence_is_the_one_the_page_states_as_its_own(self, markup: str, stated: str | None) -> None:
        assert html.text_of(markup).license == stated

    @pytest.mark.parametrize(
        "content",
        [
            "<p>é ſ €".encode(),
            "<p>é ſ €".encode("utf-8-sig"),
            b"\xff\xfe" + "<p>é ſ €".encode("utf-16-le"),
            b'<?xml version="1.0" encoding="ISO-8859-15"?><p>\xe9 ' + b"&#383; " + b"\xa4",
            b"<meta charset=windows-1252><p>\xe9 &#383; \x80",
            b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>\xe9 &#383; \x80',
            b"<p>\xe9 &#383; \x80",
            b"<meta charset=no-such-thing><p>\xe9 &#383; \x80",
            b"<meta charset=iso-8859-1>" + "<p>é ſ €".encode(),
        ],
    )
    def test_the_encoding_is_found(self, content: bytes) -> None:
        assert html.text_of(content).text == "é ſ €"

    def test_a_broken_byte_does_not_spoil_a_page_in_utf8(self) -> None:
        assert html.text_of("<p>één ïs".encode() + b"\xe9").text == "één ïs\ufffd"

    def test_xhtml_elements_that_are_empty_end_at_once(self) -> None:
        page = (
            '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a"/></head>'
        )
        assert html.text_of(f"{page}<body><p>a<a id='x'/>b<br/>c</p></body></html>").text == "ab\nc"

    @pytest.mark.parametrize(
        "markup",
        [
            "",
            "<",
            "<p",
            "</p></div></table>a",
            "<table><p>a<td>b",
            "<b><p>a</b>b",
            "a<!--",
            "<td>a",
            "<![CDATA[a]]>",
        ],
    )
    def test_malformed_markup_is_read_as_far_as_it_goes(self, markup: str) -> None:
        assert html.text_of(f"<p>before</p>{markup}").text.startswith("before")

    def test_elements_may_be_nested_to_any_depth(self) -> None:
        assert html.text_of("<div>" * 50_000 + "a").text == "a"

    @pytest.mark.parametrize("unit", ["<a", "<a ", "</a", "<a/", "<a <b", "<a '<' "])
    def test_tags_that_do_not_end_take_no_longer_than_their_number(self, unit: str) -> None:
        began = time.process_time()
        html.text_of("<p>Arma" + unit * 20_000)
        assert time.process_time() - began < 3

    def test_a_page_about_hocr_is_read_as_any_other(self, write: Write) -> None:
        path = write("a.html", "<p>Pages are of class <b>ocr_page</b>.<p>Lines<br>are not.")
        assert document(html.read, path)["text"] == "Pages are of class ocr_page.\n\nLines\nare not."

    def test_hocr_is_known_by_its_pages(self, write: Write) -> None:
        path = write(
            "a.html", "<div class=ocr_page><span class=ocr_line>Ar-</span><span class=ocr_line>ma</span></div>"
        )
        assert document(html.read, path)["text"] == "Arma"

    def test_binary_data_is_set_aside(self, write: Write) -> None:
        path = write("a.html", b"\x89PNG\r\n\x1a\n\0\0\0" + b"\0" * 100_000)
        assert refusal(html.read, path).reason == "not HTML: found binary data"

    def test_a_page_over_the_limit_is_set_aside(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(html, "MARKUP_BYTES", 10)
        assert refusal(html.read, write("a.html", "<p>Arma virumque")).reason == "a file of over 10 bytes"

    @given(PARAGRAPHS, st.sampled_from(["p", "div", "li", "h2", "td", "span", "pre", "section"]))
    def test_words_come_out_whole_and_in_order(self, paragraphs: list[list[str]], tag: str) -> None:
        markup = "".join(f"<{tag}>{' '.join(words)}</{tag}>\n" for words in paragraphs)
        if tag == "td":
            markup = f"<table><tr>{markup}</table>"
        read = [word for word in html.text_of(markup).text.split() if word not in {"-", "|"}]
        assert read == [word for words in paragraphs for word in words]

    @given(st.binary(max_size=300) | st.text(max_size=300))
    @example(b"\xef\xbb\xbf")
    @example("\ud800<p>")
    def test_nothing_at_all_makes_it_fail(self, content: bytes | str) -> None:
        html.text_of(content).text.encode()

    @given(
        st.lists(
            st.sampled_from(
                [
                    *(
                        "<p>",
                        "</p>",
                        "<table>",
                        "<tr>",
                        "<td>",
                        "</table>",
                        "<li>",
                        "<ul>",
                        "</ul>",
                        "<pre>",
                        "</pre>",
                    ),
                    *("<br>", "<div class=poem>", "<span class=i0>", "</div>", "<!--", "-->", "<title>", "<svg>"),
                    *("</svg>", "<template>", "a", "b", "<form hidden>", "</form>", "<select>", "<plaintext>"),
                ]
            ),
            max_size=25,
        )
    )
    def test_no_mixture_of_tags_makes_it_fail(self, tags: list[str]) -> None:
        html.text_of(" ".join(tags))


class TestMarkdown:
    def test_the_text_is_left_without_its_marks(self) -> None:
        source = (
            "# De *wet*\n\nEen **eerste**\nzin met [een woord](http://x.org) en `code`.\n\n"
            "- een\n- twee\n\n> citaat\n\n```py\nif a:\n    ## b\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            "<div>stray <b>HTML</b></div>\n"
        )
        assert markdown.plain(source) == {
            "title": "De wet",
            "text": "De wet\n\nEen eerste zin met een woord en code.\n\n- een\n- twee\n\ncitaat\n\n"
            "if a:\n    ## b\n\na | b\n1 | 2\n\nstray HTML",
        }

    def test_front_matter_is_metadata(self, write: Write) -> None:
        matter = (
            "---\nTitle: Wet\nauthors:\n  - Jan\n  - {name: Piet}\ndate: 1996-02-05\nlang: nl\n"
            "licence: CC0\ntags: [a]\n---\nTekst"
        )
        path = write("wet.md", matter)
        assert document(markdown.read, path) == {
            "identifier": str(path),
            "title": "Wet",
            "creator": "Jan; Piet",
            "date": "1996-02-05",
            "language": "nl",
            "license": "CC0",
            "text": "Tekst",
        }

    def test_front_matter_with_a_colon_in_its_title_still_says_its_title(self) -> None:
        assert markdown.plain("---\ntitle: Alice: a life\nlang: en\n---\nText") == {
            "title": "Alice: a life",
            "language": "en",
            "text": "Text",
        }

    @pytest.mark.parametrize(
        "matter",
        [
            "[1, 2",
            "!!python/object/apply:os.system ['true']",
            "date: 2020-13-45",
            "? [a]\n: b",
            "&a [*a]",
            "- a",
            "12",
        ],
    )
    def test_broken_front_matter_loses_no_text(self, matter: str) -> None:
        assert markdown.plain(f"---\n{matter}\n---\nTekst")["text"].endswith("Tekst")

    def test_front_matter_is_read_as_words(self) -> None:
        matter = "title: Yes\nauthor: 3.10\nlang: no\ndate: 1868\nlicense: null"
        assert markdown.plain(f"---\n{matter}\n---\nTekst") == {
            "title": "Yes",
            "creator": "3.10",
            "language": "no",
            "date": "1868",
            "text": "Tekst",
        }

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("---\nAnna: Guten Tag!\n---\n\nBerta: Ja.", "Anna: Guten Tag!\n\nBerta: Ja."),
            ("---\n1515: The battle\n---\n\nNext.", "1515: The battle\n\nNext."),
            ("---\n# Caput\n\n---\ncano", "Caput\n\ncano"),
            (
                "---\n\nDate: a letter of Jane [sic Orme.\n\nDear Sir: I am well.\n\n---\n\nSecond letter.",
                "Date: a letter of Jane [sic Orme.\n\nDear Sir: I am well.\n\nSecond letter.",
            ),
            ("---\nDate: [sic\nDear Sir,\nI am well.\n\n---\n\nNext.", "Date: [sic Dear Sir, I am well.\n\nNext."),
            ("---\nlayout: page\ntags: [a]\n---\ncano", "cano"),
            ("---\n\ntitle: Aeneis\n---\ncano", "cano"),
            ("---\n---\ncano", "cano"),
        ],
    )
    def test_words_between_two_rules_are_front_matter_only_where_they_look_like_it(
        self, source: str, text: str
    ) -> None:
        assert markdown.plain(source)["text"].startswith(text)

    @pytest.mark.parametrize(
        "line", ["[^1]: Ibid.", "[^2]: Smith 1990, p. 3.", "[Anna]: Nein!", '[^a]: Op "cit."', "[Anna]:\nNein!"]
    )
    def test_footnotes_and_speech_are_no_addresses_of_links(self, line: str) -> None:
        text = line.replace("\n", " ")
        assert markdown.plain(f"cano\n\n{line}\n\n> {line}")["text"] == f"cano\n\n{text}\n\n{text}"

    @pytest.mark.parametrize("address", ["http://x.org", "<Nein!>", "a.html", '/x "Title"', "#x", "\nb/c.png"])
    def test_addresses_of_links_are_left_out(self, address: str) -> None:
        assert markdown.plain(f"Een [woord][a].\n\n[a]: {address}\n[b]: {address}")["text"] == "Een woord."

    @pytest.mark.parametrize("mark", [">", "-"])
    def test_lists_and_quotes_are_read_to_the_depth_that_people_write(self, mark: str) -> None:
        lines = [f"{'> ' * n if mark == '>' else '  ' * n + '- '}level {n}\n" for n in range(25)]
        text = markdown.plain("\n".join(lines))["text"]
        assert [word for word in text.split() if word.isdigit()] == [str(n) for n in range(25)]

    def test_aliases_of_aliases_are_not_expanded(self) -> None:
        bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
        assert markdown.plain(f"---\n{bomb}title: *a59\n---\nTekst")["text"] == "Tekst"

    def test_a_thematic_break_is_no_front_matter(self) -> None:
        assert markdown.plain("a\n\n---\n\nb")["text"] == "a\n\nb"

    def test_headings_without_a_space_and_definitions_are_read(self) -> None:
        assert markdown.plain("##Wet\n\nDatum\n:   1996")["text"] == "Wet\n\nDatum\n1996"

    def test_another_encoding_is_set_aside_with_the_offset(self, write: Write) -> None:
        assert refusal(markdown.read, write("a.md", b"caf\xe9")).reason == "not UTF-8: byte 0xe9 at offset 3"

    @settings(max_examples=50)
    @given(PARAGRAPHS)
    def test_words_come_out_whole_and_in_order(self, paragraphs: list[list[str]]) -> None:
        text = markdown.plain("\n\n".join(" ".join(words) for words in paragraphs))["text"]
        assert [paragraph.split() for paragraph in text.split("\n\n")] == paragraphs

    @given(st.text(max_size=200) | st.text("-:#*_`<>[]()!|\n \t&a1", max_size=80).map("---\n{}".format))
    def test_nothing_at_all_makes_it_fail(self, content: str) -> None:
        markdown.plain(content)


CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
METADATA = "<dc:title>Aeneis</dc:title><dc:creator>Vergilius, 70-19 BCE</dc:creator><dc:language>la</dc:language>"


def book(
    chapters: dict[str, str | bytes] | None = None,
    metadata: str = METADATA,
    more: dict[str, str | bytes] | None = None,
    order: list[str] | None = None,
    types: list[str] | None = None,
) -> bytes:
    """An EPUB of some chapters, with their names in the archive, in this order or as given."""
    chapters = {"1.xhtml": "<p>Arma virumque</p>"} if chapters is None else chapters
    order = list(chapters) if order is None else order
    types = types or ["application/xhtml+xml"] * len(order)
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="{kind}"/>'
        for n, (name, kind) in enumerate(zip(order, types, strict=True))
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(order)))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" '
        'xmlns:opf="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata>{metadata}</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    entries = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package} | (more or {})
    entries |= {f"OEBPS/{name}": content for name, content in chapters.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def encryption(method: str, address: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
        f'<e:EncryptedData><e:EncryptionMethod Algorithm="{method}"/><e:CipherData>'
        f'<e:CipherReference URI="{address}"/></e:CipherData></e:EncryptedData></encryption>'
    )


class TestEpub:
    def test_chapters_come_in_reading_order_with_the_books_metadata(self, write: Write) -> None:
        content = book(
            {"b.xhtml": "<h2>II</h2><p>cano</p>", "a.xhtml": "<h2>I</h2><p>Arma</p>"},
            METADATA + "<dc:rights>Public Domain</dc:rights><dc:date opf:event='publication'>1502</dc:date>"
            "<dc:creator opf:role='trl'>Somebody Else</dc:creator>",
            order=["a.xhtml", "b.xhtml"],
        )
        path = write("a.epub", content)
        assert document(epub.read, path) == {
            "identifier": str(path),
            "title": "Aeneis",
            "creator": "Vergilius, 70-19 BCE",
            "language": "la",
            "license": "Public Domain",
            "date": "1502",
            "text": "I\n\nArma\n\nII\n\ncano",
        }

    def test_a_gutenberg_book_is_cut_and_its_release_is_no_date(self, write: Write) -> None:
        content = book(
            {"1.xhtml": f"<pre>{MODERN}</pre>"},
            "<dc:identifier>http://www.gutenberg.org/24675</dc:identifier><dc:date>2008-02-23</dc:date>",
        )
        found = document(epub.read, write("a.epub", content))
        assert found["text"] == "ONTBOEZEMINGEN\n\nHebt ge wel eens een neef?"
        assert found["source_url"] == "https://www.gutenberg.org/ebooks/24675"
        assert found["date"] == "1869"

    def test_a_chapter_that_is_missing_is_set_aside_and_the_rest_kept(self, write: Write) -> None:
        path = write("a.epub", book({"1.xhtml": "<p>Arma"}, order=["1.xhtml", "../../etc/passwd"]))
        documents, aside = pieces(epub.read, path)
        assert [found["text"] for found in documents] == ["Arma"]
        assert [piece.where for piece in aside] == [f"{path}!../etc/passwd"]
        assert aside[0].reason == "in the book's reading order, but not in its archive"

    def test_a_chapter_of_another_type_is_set_aside_or_read_where_it_is_xml(self, write: Write) -> None:
        types = ["application/xml", "application/x-dtbook+xml", "image/svg+xml", "application/xhtml+xml"]
        path = write("a.epub", book({f"{n}.xml": f"<p>{n}</p>" for n in range(4)}, types=types))
        ((found,), aside) = pieces(epub.read, path)
        assert found["text"] == "0\n\n3"
        reason = "a chapter of type application/x-dtbook+xml, which is not read"
        assert aside == [Unreadable(f"{path}!OEBPS/1.xml", reason, b"<p>1</p>")]

    def test_fonts_may_be_obfuscated(self, write: Write) -> None:
        stated = encryption("http://www.idpf.org/2008/embedding", "OEBPS/a.otf")
        assert document(epub.read, write("a.epub", book(more={"META-INF/encryption.xml": stated})))

    def test_rights_management_is_refused(self, write: Write) -> None:
        stated = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/1.xhtml")
        found = refusal(epub.read, write("a.epub", book(more={"META-INF/encryption.xml": stated})))
        assert "encrypted by rights management" in found.reason

    def test_an_archive_with_a_password_is_refused(self, write: Write) -> None:
        content = bytearray(book())
        for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            start = content.find(mark)
            while start >= 0:
                content[start + place] |= 1
                start = content.find(mark, start + 1)
        assert "encrypted with a password" in refusal(epub.read, write("a.epub", bytes(content))).reason

    def test_a_bomb_in_one_entry_is_refused(self, write: Write) -> None:
        path = write("a.epub", book({"1.xhtml": b"\0" * 4 * 1024**2}))
        assert "unpacks to over 100 times its size" in refusal(epub.read, path).reason

    def test_a_bomb_of_entries_is_refused(self, write: Write) -> None:
        path = write("a.epub", book(more={f"{n}": "" for n in range(10_001)}))
        assert "entries, over 10000" in refusal(epub.read, path).reason

    def test_a_book_that_unpacks_to_too_much_is_refused(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(epub, "UNPACKED_BYTES", 1000)
        path = write("a.epub", book({f"{n}.xhtml": "<p>Arma virumque" * 10 for n in range(10)}))
        assert "unpacks to over 1000 bytes" in refusal(epub.read, path).reason

    def test_an_archive_that_lies_of_its_sizes_is_refused(self, write: Write) -> None:
        content = bytearray(book({"1.xhtml": b"<p>" + b"a " * 2**21}))
        entry = content.rfind(b"PK\x01\x02")
        content[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
        assert "a damaged EPUB" in refusal(epub.read, write("a.epub", bytes(content))).reason

    @pytest.mark.parametrize("entity", ["x", "l11"])
    def test_entities_are_not_expanded_nor_files_fetched(self, write: Write, entity: str) -> None:
        path = write("secret.txt", "SECRET")
        laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))
        doctype = f"<!DOCTYPE package [<!ENTITY l0 'ha'>{laughs}<!ENTITY x SYSTEM 'file://{path}'>]>"
        content = book(metadata=f"<dc:title>A&{entity};</dc:title>")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            package = archive.read("OEBPS/book.opf").decode().replace("<package", f"{doctype}<package", 1)
        found = pieces(epub.read, write("a.epub", book(more={"OEBPS/book.opf": package})))
        assert "SECRET" not in str(found)
        assert len(str(found)) < 10_000

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "a damaged EPUB"),
            (b"text", "a damaged EPUB"),
            (book()[:-30], "a damaged EPUB"),
            (book()[:200] + book()[260:], "a damaged EPUB"),
            (book({}), "names no chapter"),
            (book({"1.xhtml": "<p> </p>"}), "an EPUB without text"),
            (book(more={"OEBPS/book.opf": ""}), "is no XML"),
            (book(more={"OEBPS/book.opf": "<package"}), "names no chapter"),
        ],
    )
    def test_what_is_no_book_is_set_aside_with_the_reason(self, write: Write, content: bytes, reason: str) -> None:
        assert reason in refusal(epub.read, write("a.epub", content)).reason

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_no_damage_makes_it_fail(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        content = bytearray(book())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.getbasetemp() / "damaged.epub"
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        pieces(epub.read, path)


def pdf_of(
    pages: list[list[tuple[float, float, str]]], info: str = "", encrypt: str = "", unicode: str = ""
) -> bytes:
    """A PDF of pages of lines in Helvetica of 10 points, each line with its place: from the left, from below.

    `unicode` says what characters mean: `<7A> <D835DC65>`, that a z is a mathematical x.
    """
    meaning = f"/ToUnicode {5 + 2 * len(pages)} 0 R " if unicode else ""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{5 + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding {meaning}>>",
        f"<< {info} >>",
    ]
    for number, lines in enumerate(pages):
        drawn = "\n".join(f"BT /F 10 Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET" for x, y, text in lines)
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Resources << /Font << /F 3 0 R >> >> "
            f"/Contents {6 + 2 * number} 0 R >>",
            f"<< /Length {len(drawn.encode('cp1252'))} >>\nstream\n{drawn}\nendstream",
        ]
    if unicode:
        mapped = f"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar {unicode} endbfchar"
        objects.append(f"<< /Length {len(mapped)} >>\nstream\n{mapped}\nendstream")
    content = b"%PDF-1.4\n"
    places = []
    for number, written in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{written}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
    end += f"<< /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R {encrypt} >>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + end.encode()


def column(lines: list[str], top: float = 360, left: float = 30) -> list[tuple[float, float, str]]:
    return [(left, top - 12 * n, line) for n, line in enumerate(lines)]


ENCRYPTED = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >> /ID [<00> <00>]"


class TestPdf:
    def test_lines_that_are_full_make_a_paragraph(self, write: Write) -> None:
        lines = column(
            ["Gallia est omnis divisa in partes tres, quarum", "unam incolunt Belgae, aliam Aquitani,", "tertiam."]
        )
        lines += column(["Hi omnes lingua inter se differunt."], top=310)
        path = write("b.pdf", pdf_of([lines], "/Title (De bello) /Author (Caesar) /CreationDate (D:20180312)"))
        assert document(pdf.read, path) == {
            "identifier": str(path),
            "title": "De bello",
            "creator": "Caesar",
            "text": "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani, tertiam."
            "\n\nHi omnes lingua inter se differunt.",
        }

    def test_words_divided_at_the_end_of_a_line_are_made_whole(self, write: Write) -> None:
        lines = ["Gallia est omnis divisa in partes tres, qua-", "rum unam incolunt Belgae, aliam Aqui-", "tani."]
        found = document(pdf.read, write("a.pdf", pdf_of([column(lines)])))
        assert (
            found["text"] == "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani."
        )

    def test_a_hyphen_that_the_text_has_elsewhere_stays(self, write: Write) -> None:
        lines = ["The well-known Belgae were as well-", "known to them."]
        assert "as well-known to" in document(pdf.read, write("a.pdf", pdf_of([column(lines)])))["text"]

    def test_short_lines_stay_lines(self, write: Write) -> None:
        lines = ["Arma virumque", "Italiam fato", "litora", "multum ille et terris iactatus et alto vi superum"]
        found = document(pdf.read, write("a.pdf", pdf_of([column(lines)])))
        assert found["text"].split("\n\n") == lines

    def test_running_heads_and_page_numbers_go(self, write: Write) -> None:
        pages = [
            [
                (30, 380, f"{n} CAESAR"),
                *column([f"Gallia {word} est omnis divisa", f"in {word} partes", f"{word}.", f"{word} unam", word]),
                (150, 20, f"{n}"),
            ]
            for n, word in enumerate(["belgae", "galli", "aquitani", "celtae"], 1)
        ]
        text = document(pdf.read, write("a.pdf", pdf_of(pages)))["text"]
        assert "CAESAR" not in text
        assert not any(character.isdigit() for character in text)
        assert "\n\nbelgae unam belgae\n\nGallia galli est" in text

    @pytest.mark.parametrize("lines", [1, 2, 10])
    def test_headings_with_numbers_are_no_running_heads(self, write: Write, lines: int) -> None:
        words = ["Gallia est omnis", "divisa in partes", "unam incolunt", "aliam Aquitani", "tertiam qui"]
        pages = [
            [
                *column([f"Letter {page}", *(f"{words[(page + n) % 5]} {'abcdefghij'[n]}" for n in range(lines))]),
                (30.0, 20.0, f"Caesar {page}"),
            ]
            for page in range(1, 7)
        ]
        text = document(pdf.read, write("a.pdf", pdf_of(pages)))["text"]
        assert [f"Letter {page}" in text for page in range(1, 7)] == [True] * 6
        assert "Caesar" not in text

    def test_a_heading_is_known_by_its_size_too(self, write: Write) -> None:
        pages = [
            [(30.0, 360.0, f"Letter {page}"), *column([f"{word} est" for word in words], top=300)]
            for page, words in enumerate((list("abcdef"), list("ghijkl"), list("mnopqr"), list("stuvwx")), 1)
        ]
        content = pdf_of(pages)
        assert "Letter" not in document(pdf.read, write("a.pdf", content))["text"]
        large = re.sub(rb"10( Tf [\d. ]+ 360.0 Tm)", rb"14\1", content)
        assert "Letter 3" in document(pdf.read, write("a.pdf", large))["text"]

    def test_of_two_numbers_the_outer_one_is_the_pages(self, write: Write) -> None:
        lines = ["Gallia est omnis divisa", "in partes tres", "quarum unam", "incolunt Belgae anno"]
        pages = [[*column([*lines, f"180{n}."]), (150.0, 20.0, f"{n}")] for n in range(1, 5)]
        text = document(pdf.read, write("a.pdf", pdf_of(pages)))["text"]
        assert re.findall(r"\d+", text) == ["1801", "1802", "1803", "1804"]

    def test_letters_of_mathematics_leave_the_lines_after_them_whole(self, write: Write) -> None:
        lines = column(
            ["Gallia est omnis zzzzz in partes tres, quarum", "unam incolunt Belgae, aliam Aquitani,", "tertiam."]
        )
        plain = document(pdf.read, write("a.pdf", pdf_of([lines])))["text"]
        found = document(pdf.read, write("b.pdf", pdf_of([lines], unicode="<7A> <D835DC65>")))["text"]
        assert "\n" not in plain
        assert found == plain.replace("z", "\U0001d465")

    def test_a_sentence_goes_on_overleaf(self, write: Write) -> None:
        pages = [column(["Gallia est omnis divisa in par-"]), column(["tes tres, unam", "Belgae."])]
        text = document(pdf.read, write("a.pdf", pdf_of(pages)))["text"]
        assert text == "Gallia est omnis divisa in partes tres, unam\n\nBelgae."

    def test_accents_drawn_over_letters_are_theirs(self, write: Write) -> None:
        lines = [(30.0, 360.0, "Kn"), (42.7, 360.0, "a"), (43.8, 360.0, "¨"), (48.2, 360.0, "ckebrot")]
        assert document(pdf.read, write("a.pdf", pdf_of([lines])))["text"] == "Knäckebrot"

    def test_without_a_text_layer_it_needs_ocr(self, write: Write) -> None:
        assert refusal(pdf.read, write("a.pdf", pdf_of([[], []]))).reason == "no text layer: needs OCR"

    def test_a_scan_behind_one_page_of_text_needs_ocr(self, write: Write) -> None:
        path = write("a.pdf", pdf_of([column(["Digitised by a library"]), *[[] for _ in range(19)]]))
        assert refusal(pdf.read, path).reason == "no text layer on 19 of 20 pages: needs OCR"

    def test_one_that_needs_a_password_is_set_aside(self, write: Write) -> None:
        path = write("a.pdf", pdf_of([column(["Arma"])], encrypt=ENCRYPTED))
        assert refusal(pdf.read, path).reason == "an encrypted PDF: needs a password"

    @pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"text", pdf_of([column(["Arma"])])[:100]])
    def test_a_damaged_one_is_set_aside(self, write: Write, content: bytes) -> None:
        assert refusal(pdf.read, write("a.pdf", content)).reason.startswith("a damaged PDF, or none")

    def test_one_of_too_many_pages_is_set_aside(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf, "PAGES", 1)
        path = write("a.pdf", pdf_of([column(["Arma"]), column(["cano"])]))
        assert refusal(pdf.read, path).reason == "a PDF of 2 pages, over 1"

    def test_a_damaged_page_is_named_and_the_others_are_read(self, write: Write) -> None:
        content = pdf_of([column(["Arma"]), column(["virumque"]), column(["cano"])])
        page = b"7 0 obj\n<< /Type /Page "
        path = write("a.pdf", content.replace(page, b"7 0 obj\n[] ".ljust(len(page))))
        ((found,), (lost,)) = pieces(pdf.read, path)
        assert found["text"].split() == ["Arma", "cano"]
        assert lost.where == f"{path}!page 2"
        assert lost.reason.startswith("a damaged page")

    def test_a_page_of_too_many_characters_is_named(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf, "PAGE_CHARACTERS", 7)
        path = write("a.pdf", pdf_of([column(["Arma"]), column(["virumque"])]))
        ((found,), aside) = pieces(pdf.read, path)
        assert found["text"] == "Arma"
        assert aside == [Unreadable(f"{path}!page 2", "a page of over 7 characters", b"")]

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.lists(st.text("abcdefgh", min_size=2, max_size=9), min_size=1, max_size=6), min_size=1, max_size=9
        )
    )
    def test_words_come_out_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "words.pdf"
        path.write_bytes(pdf_of([column([" ".join(words) for words in lines])]))
        assert document(pdf.read, path)["text"].split() == [word for words in lines for word in words]

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_no_damage_makes_it_fail(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        content = bytearray(pdf_of([column(["Gallia est omnis divisa", "in partes tres"])]))
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.getbasetemp() / "damaged.pdf"
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        pieces(pdf.read, path)


BOOK = "ONTBOEZEMINGEN\n\nHebt ge wel eens een neef?"

MODERN = f"""The Project Gutenberg eBook of Ontboezemingen, by Gabriël

This eBook is for the use of anyone anywhere at no cost and with
almost no restrictions whatsoever.

Title: Ontboezemingen
       Een vertelling

Author: Gabriël (1843-1913)

Release Date: February 23, 2008 [eBook #24675]

Language: Dutch

Original publication: Arnhem: D. A. Thieme, 1869

Character set encoding: UTF-8

*** START OF THE PROJECT GUTENBERG EBOOK ONTBOEZEMINGEN ***


Produced by Branko Collin and the Online Distributed
Proofreading Team at http://www.pgdp.net


{BOOK}


End of the Project Gutenberg EBook of Ontboezemingen, by Gabriël

*** END OF THE PROJECT GUTENBERG EBOOK ONTBOEZEMINGEN ***

Updated editions will replace the previous one
"""

NINETIES = f"""***The Project Gutenberg Etext of Ontboezemingen, by Gabriel***
#2 in our series by Gabriel

Copyright laws are changing all over the world, be sure to check
the copyright laws for your country before posting these files!!

Ontboezemingen

by Gabriel

September, 1995  [Etext #24675]

***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***
Why is this "Small Print!" statement here?
*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*

This etext was prepared by Branko Collin, collin@example.org

{BOOK}

End of The Project Gutenberg Etext of Ontboezemingen
"""

TWO_THOUSANDS = f"""Project Gutenberg's Ontboezemingen, by Gabriel

Copyright laws are changing all over the world.

Title: Ontboezemingen

Author: Gabriel

Release Date: October, 2005 [EBook #24675]

*** START OF THE PROJECT GUTENBERG EBOOK, ONTBOEZEMINGEN
EEN VERTELLING ***

Transcribed by Branko Collin

{BOOK}

*** END OF THE PROJECT GUTENBERG EBOOK, ONTBOEZEMINGEN ***

*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*
"""


class TestGutenberg:
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    @pytest.mark.parametrize("text", [MODERN, NINETIES, TWO_THOUSANDS], ids=["2008", "1995", "2003"])
    def test_every_generation_is_cut_to_the_book(self, text: str, line_end: str) -> None:
        found = gutenberg.cut(text.replace("\n", line_end))
        assert found is not None
        assert found[0] == BOOK.replace("\n", line_end)
        assert found[1]["title"].startswith("Ontboezemingen")
        assert found[1]["creator"].startswith("Gabri")
        assert found[1]["license"] == "Public Domain"
        assert found[1]["source_url"] == "https://www.gutenberg.org/ebooks/24675"

    def test_the_header_is_read_and_the_release_is_no_date(self) -> None:
        found = gutenberg.cut(MODERN)
        assert found is not None
        assert found[1] == {
            "title": "Ontboezemingen Een vertelling",
            "creator": "Gabriël (1843-1913)",
            "language": "Dutch",
            "encoding": "UTF-8",
            "date": "1869",
            "license": "Public Domain",
            "source_url": "https://www.gutenberg.org/ebooks/24675",
        }

    @pytest.mark.parametrize(
        "notice", ["This is a COPYRIGHTED Project Gutenberg eBook, Details Below", "Copyright (C) 1998 by G. Jones"]
    )
    def test_a_book_under_copyright_is_not_in_the_public_domain(self, notice: str) -> None:
        found = gutenberg.cut(MODERN.replace("Title:", f"** {notice} **\n\nTitle:", 1))
        assert found is not None
        assert found[1]["license"] == notice

    def test_a_licence_at_the_end_is_cut_where_there_is_no_header(self) -> None:
        text = "THE END\n\n*** START: FULL LICENSE ***\n\nTHE FULL PROJECT GUTENBERG LICENSE\nPLEASE READ\n"
        assert gutenberg.cut(text) == ("THE END", {})

    @pytest.mark.parametrize("last", ["*** END OF THE PROJECT GUTENBERG EBOOK WORKS ***", ""])
    def test_the_volumes_of_a_book_may_have_marks_of_their_own(self, last: str) -> None:
        start = "*** START OF THE PROJECT GUTENBERG EBOOK WORKS ***"
        ends = [f"End of the Project Gutenberg EBook of Works, Volume {n}" for n in (1, 2)]
        licence = "***** This file should be named 1.txt *****\n\nTHE FULL PROJECT GUTENBERG LICENSE\n"
        text = "\n\n".join([start, "Arma virumque", ends[0], "cano", ends[1], last, licence])
        assert gutenberg.cut(text) == (f"Arma virumque\n\n{ends[0]}\n\ncano", {})

    @pytest.mark.parametrize(
        "mark",
        [
            "*** END OF THE PROJECT GUTENBERG EBOOK AENEIS ***",
            "End of Project Gutenberg's Aeneis, by Vergil",
            "End of the Project Gutenberg EBook of Aeneis,\nby Vergil",
            "Ende dieses Project Gutenberg Etextes Aeneis, von Vergil",
            "Einde van Project Gutenberg's Aeneis, door Vergil",
            "Fin du Project Gutenberg EBook de Aeneis, par Vergil",
        ],
    )
    def test_a_mark_in_the_projects_form_ends_a_book_without_a_header(self, mark: str) -> None:
        assert gutenberg.cut(f"Arma virumque\n\n{mark}\n") == ("Arma virumque", {})

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Arma virumque cano",
            "The end of Project Gutenberg is not near. Project Gutenberg's founder, Michael Hart, typed.",
            "Project Gutenberg began in 1971, when\nMichael Hart typed a text.",
            "At the end of the day, Project Gutenberg",
            "Hart began.\nEnde 1994 ging das Projekt Gutenberg-DE ans Netz.\nDanach kamen andere.",
            "Hart began.\nEnd of 1971, Project Gutenberg had one text.\nBy 1997 it had a thousand.",
            "Some called it the\nend of Project Gutenberg's etexts, by and large.\nIt was not.",
            "Hart began.\nEnd of Project Gutenberg? Not yet.\nIt went on.",
            "Hart began.\nTo protect the Project Gutenberg mission is our aim.\nIt went on.",
        ],
    )
    def test_a_text_that_is_not_the_projects_stays(self, text: str) -> None:
        assert gutenberg.cut(text) is None

    @given(st.text("*ENDSTAR PROJECTGUB\n\r '’#:a1", max_size=200))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        gutenberg.cut(f"Project Gutenberg's {text}")

    def test_long_runs_of_space_and_stars_take_no_time(self) -> None:
        for run in ("* " * 50_000, " " * 100_000, "*" * 100_000, "\n" * 100_000, "end " * 25_000):
            gutenberg.cut(run)
            gutenberg.cut(MODERN.replace("Title:", f"{run}\nTitle:"))


class TestPlainText:
    @pytest.mark.parametrize("stated", ["ISO-8859-1", "ISO Latin-1", "Windows-1252", "ISO-8859-15"])
    def test_the_encoding_of_a_gutenberg_header_is_honoured(self, write: Write, stated: str) -> None:
        content = MODERN.replace("UTF-8", stated).replace(BOOK, "Gabriël ÿ").encode("latin-1")
        found = document(plain_text.read, write("24675-8.txt", content))
        assert found["text"] == "Gabriël ÿ"
        assert found["creator"] == "Gabriël (1843-1913)"

    @pytest.mark.parametrize("stated", ["ISO-646-US", "ASCII", "no-such-thing", "hex", "UTF-8"])
    def test_a_stated_encoding_that_does_not_fit_is_set_aside(self, write: Write, stated: str) -> None:
        path = write("24675-8.txt", MODERN.replace("UTF-8", stated).encode("latin-1"))
        assert refusal(plain_text.read, path).reason.startswith("not UTF-8: byte 0xeb at offset")

    def test_the_words_character_set_encoding_mean_nothing_elsewhere(self, write: Write) -> None:
        path = write("a.txt", b"Character set encoding: ISO-8859-1\n\ncaf\xe9")
        assert refusal(plain_text.read, path).reason.startswith("not UTF-8")

    def test_a_file_over_the_limit_is_set_aside(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plain_text, "FILE_BYTES", 10)
        monkeypatch.setattr(readers, "KEPT_BYTES", 5)
        found = refusal(plain_text.read, write("a.txt", "Arma virumque"))
        assert (found.reason, found.content) == ("a file of over 10 bytes", b"Arma ")


class TestRealFiles:
    """What the files of the real corpus say, read by eye beforehand."""

    pytestmark = shared

    def test_alice_in_html(self) -> None:
        found = document(html.read, RAW / "11__11-h_11-h.htm")
        assert found["title"] == "Alice’s Adventures in Wonderland"
        assert found["creator"] == "Lewis Carroll"
        assert found["language"] == "en"
        text = found["text"]
        assert text.startswith("Alice’s Adventures in Wonderland\n\nby Lewis Carroll\n\n")
        assert "CHAPTER I. | Down the Rabbit-Hole\nCHAPTER II. | The Pool of Tears\n" in text
        assert (
            "\n\n“How doth the little crocodile\nImprove his shining tail,\nAnd pour the waters of the Nile\n"
            in text
        )
        assert "There was nothing so very remarkable in that; nor did Alice think it so very much" in text
        assert "\n         “Fury said to a\n         mouse, That he\n" in text
        assert text.endswith("\n\nTHE END")

    def test_ontboezemingen_in_html(self) -> None:
        found = document(html.read, RAW / "Ontboezemingen_24675__24675-h_24675-h.htm")
        assert found["title"] == "Ontboezemingen"
        assert found["creator"] == "Gabriël (AKA Carel van Nievelt)"
        assert found["language"] == "Dutch"
        assert found["license"] == "Public Domain"
        assert found["source_url"] == "https://www.gutenberg.org/ebooks/24675"
        assert "date" not in found
        text = found["text"]
        assert text.startswith("See also the Transcriber's Notes at the end of this eBook.\n\nELK DEEL")
        assert "niet anders kunnen opleveren, dan een vagevuur tusschen waken en slapen" in text
        assert "Altans, bij storm! doch ik verkoos de lieve dreven\nDer aarde in zoo'n geval." in text
        assert "\n\n[4] Maleisch: een uitroep van medelijden.\n\n" in text
        assert "[Pg" not in text
        assert "pgdp.net" not in text
        assert "trademark" not in text

    def test_ontboezemingen_in_latin_1(self) -> None:
        found = document(plain_text.read, RAW / "Ontboezemingen_24675__24675-8.txt")
        assert found["title"] == "Ontboezemingen"
        assert found["creator"] == "Gabriël (AKA Carel van Nievelt)"
        assert found["license"] == "Public Domain"
        text = found["text"]
        assert text.startswith("ELK DEEL IS AFZONDERLIJK VERKRIJGBAAR\r\n\r\nGULDENS-EDITIE.")
        assert "Hebt ge wel eens een neef, of broêr, of vriend van een eerste zeereis" in text
        assert text.endswith("retain the exact number of dashes from the printed\r\nbook.")
        assert "Produced by" not in text
        assert "trademark" not in text

    def test_alice_without_a_header_stays_as_it_is(self) -> None:
        path = RAW / "11__11-0.txt"
        assert document(plain_text.read, path)["text"] == path.read_bytes().decode("utf-8-sig")

    def test_a_german_law_in_markdown(self) -> None:
        found = document(markdown.read, RAW / "gesetze__b_bbig_84ano_19_index.md")
        assert found["title"].startswith("Anordnung über die Bestimmung der zuständigen Stelle nach § 84")
        text = found["text"]
        assert (
            "\n\nAusfertigungsdatum\n1996-02-05\n\nFundstelle\nBGBl I: 1996, 368\n\nI.\n\nAuf Grund des § 84"
            in text
        )
        assert "vom 14. August 1969 (BGBl. I S. 1112)" in text
        assert "\n\n- das Bundesverwaltungsamt\n\nzur zuständigen Stelle" in text
        assert "jurabk" not in text

    def test_a_dutch_law_in_markdown(self) -> None:
        name = "laws-markdown__wet_wet_taaleis_participatiewet_BWBR0036496_law.md"
        found = document(markdown.read, RAW / name)
        assert found["title"].startswith("Wet van 20 maart 2015 tot wijziging van de Wet werk en bijstand")
        assert "\n\nArtikel II\n\nOvergangsrecht\n\nTreedt in werking per 01-01-2016\n\n" in found["text"]
        assert "\n\nde achtste april 2015\n\n" in found["text"]
        assert not set("#<>*") & set(found["text"])

    def test_guidelines_in_pdf(self) -> None:
        found = document(pdf.read, RAW / "GermEval-2018-Data__guidelines-iggsa-shared.pdf")
        assert "date" not in found
        text = found["text"]
        assert (
            "\n\nINSULT is the ascription of negatively evaluated qualities or deficiencies or the labeling of "
            "persons as unworthy (in some sense) or unvalued. Insults convey disrespect and contempt.\n\n"
        ) in text
        assert "(Legally, the spreading of dematory claims" in text
        assert "strunzdumm wie ein Knäckebrot." in text
        assert "was mich stört ist wenn am frühen Morgen im #Morgenmagazin schon strunzdumme #Migranten" in text
        assert not any(paragraph.isdigit() for paragraph in text.split("\n\n"))

    def test_engraved_music_in_pdf_has_hardly_a_word(self) -> None:
        found = document(pdf.read, RAW / "Ontboezemingen_24675__24675-h_files_gamelan.pdf")
        assert found["text"].startswith("Andante.\n\netc. sempre da capo.")
