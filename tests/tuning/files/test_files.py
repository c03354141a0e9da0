"""Files opened as passages and written with new texts in them, by format."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from octavo import __version__
from octavo.errors import InputError
from octavo.tuning.files.passages import Work
from octavo.tuning.files.texts import TextFile, open_texts
from tests.corpus.test_document_readers import column, pdf_of

Write = Callable[[str, "str | bytes"], Path]
WHEN = datetime(2026, 11, 26, 12, tzinfo=UTC)
WORDS = st.text("aeſtxyz&<", min_size=1, max_size=6)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def texts(path: Path, work: Work = Work.CORRECTION) -> list[str]:
    return [passage.text for passage in open_texts(path, work).passages]


def put(path: Path, *new: str, work: Work = Work.CORRECTION, language: str | None = None) -> bytes:
    """What a file becomes with new texts."""
    out = path.with_name("out" + path.suffix)
    open_texts(path, work).write(list(new), out, model="reader", language=language, overwrite=True, when=WHEN)
    return out.read_bytes()


def changed(path: Path, *new: str, work: Work = Work.CORRECTION) -> str:
    """The text element of what a TEI file becomes."""
    found = re.search(r"<text[^>]*>(.*)</text>", put(path, *new, work=work).decode(), re.DOTALL)
    assert found
    return found[1]


def tei(body: str, revisions: str = "") -> str:
    header = f"<teiHeader>\n <fileDesc/>{revisions}\n</teiHeader>"
    return f'<TEI xmlns="http://www.tei-c.org/ns/1.0">{header}<text>{body}</text></TEI>'


SAMPLES = {
    "a.txt": "\ufeffTitel\r\n\r\n  Ein  Ab-\r\n  satz.\t\r\n\f\r\nEnde",
    "b.md": "---\ntitle: x\n---\n# Kopf\n\n> *Ein* Satz\n> mit `code`.\n\n- eins\n- zwei [hier](http://x.y)\n",
    "c.xml": "<?xml version='1.0'?><!DOCTYPE TEI [<!ENTITY oe \"&#339;\">]>\r\n<!-- c -->"
    "<TEI xmlns = \"http://www.tei-c.org/ns/1.0\"><text><p n='1'>c&oe;ur &amp; <![CDATA[x < y]]><lb></lb>z</p></text></TEI>\n",
    "d.xml": '<alto><Layout><Page><PrintSpace><TextBlock ID="b"><TextLine><String CONTENT="a&#x17F;" ></String></TextLine>'
    "</TextBlock></PrintSpace></Page></Layout></alto>",
    "e.xml": "<PcGts><Page><TextRegion id='r'><TextLine><TextEquiv><Unicode>a</Unicode></TextEquiv></TextLine>"
    "</TextRegion></Page></PcGts>",
}


class TestAnyFile:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_without_changes_the_bytes_stay(self, write: Write, name: str) -> None:
        path = write(name, SAMPLES[name])
        assert put(path, *texts(path)) == path.read_bytes()

    @pytest.mark.parametrize("name", SAMPLES)
    def test_a_change_of_one_character_changes_no_other_part_of_the_text(self, write: Write, name: str) -> None:
        path = write(name, SAMPLES[name])
        old = texts(path)
        new = [old[0][:-1] + "Q", *old[1:]]
        written = put(path, *new)
        assert texts(path.with_name("out" + path.suffix)) == new
        without_record = re.sub(rb"<!-- Text corrected [^>]*-->|<LastChange>.*?</LastChange>", b"", written)
        assert len(without_record) - len(path.read_bytes()) in (0, -6)  # &#x17F; becomes Q

    def test_the_input_and_other_files_are_not_overwritten_unless_asked(self, write: Write) -> None:
        path = write("a.txt", "alt")
        file = open_texts(path, Work.CORRECTION)
        with pytest.raises(InputError, match=r"a\.txt: found the input itself there, expected a name that is free"):
            file.write(["neu"], path, model="m")
        other = write("b.txt", "da")
        with pytest.raises(InputError, match=r"b\.txt: found a file there"):
            file.write(["neu"], other, model="m")
        assert (path.read_text(), other.read_text()) == ("alt", "da")
        file.write(["neu"], path, model="m", overwrite=True)
        assert path.read_text() == "neu"

    @pytest.mark.parametrize(
        ("name", "content", "found"),
        [
            ("a.docx", "x", r"found the ending \.docx, expected plain text"),
            ("a.txt", "", "found an empty file, expected text"),
            ("a.txt", " \n", "found an empty file, expected text"),
            ("a.txt", b"caf\xe9", "found byte 0xe9 at offset 3, expected UTF-8"),
            ("a.md", "```\ncode\n```\n", "found no text, expected some"),
            ("a.xml", "<TEI><text><p>x</text></TEI>", "not well-formed XML"),
            ("a.xml", "<article/>", "found XML with root <article>, expected TEI, ALTO or PAGE"),
            ("a.xml", "<TEI><text><p><pb/></p></text></TEI>", "found no text within <text>"),
            ("a.xml", "<alto><Layout/></alto>", "found no String with CONTENT"),
            ("a.xml", "<PcGts/>", "found no Unicode text"),
            ("a.xml", '<!DOCTYPE TEI [<!ENTITY x SYSTEM "/etc/passwd">]><TEI/>', "external entity 'x'"),
            ("a.pdf", b"%PDF-1.4", "found a damaged PDF"),
            ("a.xml.gz", b"\x1f\x8b", r"found the ending \.gz"),
        ],
    )
    def test_what_cannot_be_worked_on_is_refused(
        self, write: Write, name: str, content: str | bytes, found: str
    ) -> None:
        path = write(name, content)
        with pytest.raises(InputError, match=found) as error:
            open_texts(path, Work.CORRECTION)
        assert str(error.value).startswith(f"{path}: ")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"none\.txt: cannot be read: No such file"):
            open_texts(tmp_path / "none.txt", Work.CORRECTION)

    @pytest.mark.parametrize("name", ["d.xml", "e.xml"])
    def test_a_page_is_not_translated(self, write: Write, name: str) -> None:
        with pytest.raises(
            InputError, match="a translation cannot keep; expected the same text as TEI, Markdown or"
        ):
            open_texts(write(name, SAMPLES[name]), Work.TRANSLATION)

    def test_a_text_for_each_passage_is_needed(self, write: Write, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="2 texts for 1 passages"):
            open_texts(write("a.txt", "a"), Work.CORRECTION).write(["b", "c"], tmp_path / "o.txt", model="m")


class TestPlainText:
    def test_paragraphs_are_passages_with_their_lines_joined(self, write: Write) -> None:
        file = open_texts(write("a.txt", "Eins\n\n\n  zwei ha-\n  ben\fdrei"), Work.CORRECTION)
        assert [(p.text, p.where) for p in file.passages] == [
            ("Eins", "line 1"),
            ("zwei haben", "line 4"),
            ("drei", "line 5"),
        ]

    def test_line_ends_marks_and_spaces_stay(self, write: Write) -> None:
        path = write("a.txt", "\ufeffEins\r\n\r\n\r\n  zwel ha-\r\n\tben \r\n".encode())
        assert put(path, "Eins", "zwei haben") == "\ufeffEins\r\n\r\n\r\n  zwei ha-\r\n\tben \r\n".encode()

    def test_utf_16_stays_utf_16(self, write: Write) -> None:
        path = write("a.txt", "Eins\n".encode("utf-16"))
        assert put(path, "Eint") == "Eint\n".encode("utf-16")

    def test_what_a_stated_encoding_lacks_is_left_and_told(self, write: Write, tmp_path: Path) -> None:
        header = "The Project Gutenberg eBook of X\n\nCharacter set encoding: ISO-8859-1\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\n"
        path = write("a.txt", (header + "Café\n\nVater\n").encode("latin-1"))
        file = open_texts(path, Work.CORRECTION)
        assert [p.text for p in file.passages] == ["Café", "Vater"]
        left = file.write(["Caſé", "Vatér"], tmp_path / "out.txt", model="m")
        assert [p.text for p in left] == ["Café"]
        assert (tmp_path / "out.txt").read_bytes() == (header + "Café\n\nVatér\n").encode("latin-1")

    def test_a_translation_is_wrapped_as_the_paragraph_was_and_verse_keeps_lines(self, write: Write) -> None:
        path = write("a.txt", "Arma virumque cano,\ntroiae qui primus.\n\nA\nB\nC\nD\n")
        assert texts(path, Work.TRANSLATION) == ["Arma virumque cano, troiae qui primus.", "A\nB\nC\nD"]
        new = put(path, "I sing of arms and the man who first", "E\nF\nG\nH", work=Work.TRANSLATION)
        assert new.decode() == "I sing of arms and\nthe man who first\n\nE\nF\nG\nH\n"

    @given(text=st.text("ab \n\r\f-\u00a0é", max_size=40), data=st.data())
    @settings(max_examples=50)
    def test_any_text_is_read_back_as_it_was_corrected(
        self, tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "any.txt"
        path.write_bytes(text.encode())
        if not text.strip():
            return
        old = texts(path)
        assert put(path, *old) == text.encode()
        new = [data.draw(TEXTS) for _ in old]
        put(path, *new)
        assert texts(path.with_name("out.txt")) == new


class TestMarkdown:
    def test_markup_is_no_part_of_the_text_and_stays(self, write: Write) -> None:
        source = "# Der *Kopf*\n\n> Ein \\* Satz\n> mit [Link](u) &amp; `c_d`.\n\n| a | b |\n|---|---|\n| eins | zwei |\n"
        path = write("a.md", source)
        assert texts(path) == ["Der Kopf", "Ein * Satz mit Link & c_d.", "a", "b", "eins", "zwei"]
        new = put(path, "Der Topf", "Ein * Sass mit Rink & c_d.", "a", "b", "eins", "zw*i")
        expected = source.replace("Kopf", "Topf").replace("Satz", "Sass").replace("Link", "Rink")
        assert new.decode() == expected.replace("zwei", "zw\\*i")

    def test_front_matter_code_and_html_are_left_alone(self, write: Write) -> None:
        path = write("a.md", "---\ntitle: Der Titel\n---\n<div>\nhtml\n</div>\n\n    code\n\nText ![Bild](b.png)\n")
        assert texts(path) == ["Text"]

    def test_a_correction_of_code_is_not_taken(self, write: Write) -> None:
        path = write("a.md", "Die `Zeitnng` von beute `da`.\n")
        assert put(path, "Die Zeitung von heute da.").decode() == "Die `Zeitnng` von heute `da`.\n"

    def test_a_translation_keeps_headings_and_lists_and_has_marks_of_its_own(self, write: Write) -> None:
        path = write("a.md", "## Der *Kopf* hier\n\n1. ein **[Ding](a_b)**\n\n**ganz**\n")
        assert texts(path, Work.TRANSLATION) == ["Der *Kopf* hier", "ein **[Ding](a_b)**", "**ganz**"]
        new = put(path, "The *head* is 2*3", "a **[thing](a_b)** of `c*d`", "**whole**", work=Work.TRANSLATION)
        assert new.decode() == "## The *head* is 2\\*3\n\n1. a **[thing](a_b)** of `c*d`\n\n**whole**\n"

    def test_marks_that_cannot_go_along_are_lost_and_images_stay(self, write: Write) -> None:
        path = write("a.md", "ein ![B](b) *Ding*\n\nder [Ort][1] *hier*\n\n[1]: b\n")
        assert texts(path, Work.TRANSLATION) == ["ein Ding", "der Ort hier"]
        new = put(path, "a *thing", "the place", work=Work.TRANSLATION)
        assert new.decode() == "a ![B](b) \\*thing\n\nthe place\n\n[1]: b\n"


class TestTei:
    def test_blocks_are_passages_and_notes_apart(self, write: Write) -> None:
        body = (
            "<body><head>Kopf</head><p>Ein <hi>fette</hi>s Wort<note>Note</note>, ha-\n<lb/>ben<fw>12</fw></p>"
            "<sp><speaker>A</speaker><l>Vers eins</l>\n<l>zwei <stage>ab</stage></l></sp>"
            "<p><choice><sic>ift</sic><corr>ist</corr></choice> a<lb break='no'/>b <gap/></p></body>"
        )
        file = open_texts(write("a.xml", tei(body)), Work.CORRECTION)
        assert [p.text for p in file.passages] == [
            "Kopf",
            "Note",
            "Ein fettes Wort, haben",
            "A",
            "ab",
            "Vers eins\nzwei",
            "ist ab …".replace("ist", "ift"),
        ]
        assert file.passages[2].where == "line 3, <p>"

    @pytest.mark.parametrize(
        ("body", "new", "expected"),
        [
            ("<p>a <hi>fctt</hi> b</p>", ["a fett b"], "<p>a <hi>fett</hi> b</p>"),
            ("<p>a&#x17F;t &amp; c</p>", ["aſt & d"], "<p>a&#x17F;t &amp; d</p>"),
            ("<p>in\n  der</p>", ["inder"], "<p>inder</p>"),
            ("<p>inder</p>", ["in der <&>"], "<p>in der &lt;&amp;></p>"),
            ("<p>ha <lb n='2'/>\n ben</p>", ["haben"], "<p>ha<lb n='2' break=\"no\"/>ben</p>"),
            ("<p>hn-<lb/>ben</p>", ["haben"], "<p>ha-<lb/>ben</p>"),
            ("<p>ha-<lb/>ben</p>", ["ha ben"], "<p>ha <lb/>ben</p>"),
            ("<p>ha<lb break='no'/>ben</p>", ["ha ben"], "<p>ha <lb/>ben</p>"),
            ("<p>ha-<lb/>ben</p>", ["ha1en"], '<p>ha-<lb break="no"/>1en</p>'),
            ("<p>a<!-- c --> <?p i?>b</p>", ["a c"], "<p>a<!-- c --> <?p i?>c</p>"),
            ("<p>M<gap/>n x</p>", ["M…n y"], "<p>M<gap/>n y</p>"),
            ("<lg><l>cins</l><l>zwei</l></lg>", ["eins\nzwei"], "<lg><l>eins</l><l>zwei</l></lg>"),
            ("<p>a <note>b</note>c</p>", ["n", "a d"], "<p>a <note>n</note>d</p>"),
            (
                "<p><choice><orig>vnd</orig><reg>und</reg></choice> a</p>",
                ["vnt a"],
                "<p><choice><orig>vnt</orig><reg>und</reg></choice> a</p>",
            ),
        ],
    )
    def test_a_correction_stays_in_its_element(
        self, write: Write, body: str, new: list[str], expected: str
    ) -> None:
        path = write("a.xml", tei(body))
        assert changed(path, *new) == expected
        assert texts(path.with_name("out.xml")) == new

    @pytest.mark.parametrize(
        ("body", "new", "expected"),
        [
            ("<p>Arma <hi>virum</hi>que cano</p>", ["I sing of arms"], "<p>I sing of arms</p>"),
            ("<p><hi>Arma virumque</hi></p>", ["Arms and man"], "<p><hi>Arms and man</hi></p>"),
            ("<p>aa bb <pb n='2'/>cc dd</p>", ["one two three four"], "<p>one two <pb n='2'/>three four</p>"),
            ("<p>aa<lb break='no'/>bb</p>", ["one two"], "<p>one <lb/>two</p>"),
            ("<p>aa <note>bb</note> cc.</p>", ["N", "one two"], "<p>one <note>N</note> two</p>"),
            ("<lg><l>aa</l><l>bb</l></lg>", ["x y\nz"], "<lg><l>x y</l><l>z</l></lg>"),
            ("<lg><l>aa</l><l>bb</l></lg>", ["x y"], "<lg><l>x</l><l>y</l></lg>"),
            ("<p><choice><orig>a</orig><reg>b</reg></choice> c</p>", ["x"], "<p>x</p>"),
            ("<p>a <hi>b <list><item>i</item></list> c</hi></p>", ["x y", "j", "z"], None),
        ],
    )
    def test_a_translation_takes_the_place_of_its_block(
        self, write: Write, body: str, new: list[str], expected: str | None
    ) -> None:
        path = write("a.xml", tei(body))
        written = changed(path, *new, work=Work.TRANSLATION)
        assert expected is None or written == expected
        assert " ".join(texts(path.with_name("out.xml"))).split() == " ".join(new).split()

    def test_a_translation_states_its_language(self, write: Write) -> None:
        source = (
            tei("<p>a</p>")
            .replace("<text>", '<text xml:lang="la"><body xml:lang="la">')
            .replace("</text>", "</body></text>")
        )
        written = put(write("a.xml", source), "b", work=Work.TRANSLATION, language="en").decode()
        assert '<text xml:lang="en"><body xml:lang="en"><p>b</p>' in written

    @pytest.mark.parametrize(
        ("revisions", "expected"),
        [
            ("", "\n <fileDesc/>\n <revisionDesc>{}</revisionDesc>\n</teiHeader>"),
            ("<revisionDesc/>", "<revisionDesc>{}</revisionDesc>\n</teiHeader>"),
            ("<revisionDesc>\n  <change/>\n </revisionDesc>", "<revisionDesc>\n  {}\n  <change/>"),
            ("<revisionDesc><listChange><change/></listChange></revisionDesc>", "<listChange>{}<change/>"),
        ],
    )
    def test_the_header_tells_of_the_change_and_is_else_as_it_was(
        self, write: Write, revisions: str, expected: str
    ) -> None:
        written = put(write("a.xml", tei("<p>a</p>", revisions)), "b").decode()
        said = f'<change when="2026-11-26">Text corrected by octavo {__version__} with the model reader</change>'
        assert expected.format(said) in written
        assert written.replace(said, "").replace("\n  ", "").count("<") >= tei("<p>b</p>", revisions).count("<") - 1

    @given(data=st.data())
    @settings(max_examples=50)
    def test_any_correction_and_translation_is_read_back(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        part = st.one_of(
            TEXTS.map(lambda t: t.replace("&", "&amp;").replace("<", "&lt;")),
            st.sampled_from(
                [" ", "\n  ", "<lb/>", "<pb/>", " <lb/>\n", "<lb break='no'/>", "-<lb/>", "<!-- x -->", "<hi>"]
            ),
        )
        parts = ["a", *data.draw(st.lists(part, max_size=8)), "z"]
        body = "".join(f"<hi>{n}</hi>" if p == "<hi>" else p for n, p in enumerate(parts))
        path = tmp_path_factory.getbasetemp() / "any.xml"
        path.write_text(tei(f"<p>{body}</p>"))
        for work in Work:
            new = data.draw(TEXTS)
            put(path, new, work=work)
            assert texts(path.with_name("out.xml")) == [new]


ALTO = """<alto xmlns="http://www.loc.gov/standards/alto/ns-v{v}#"><Description>
  <MeasurementUnit>pixel</MeasurementUnit>{ocr}
 </Description><Layout><Page ID="p"><PrintSpace><TextBlock ID="b1">
   <TextLine ID="l1" HPOS="10" WIDTH="90">
     <String ID="s1" CONTENT="Dcr" HPOS="10" VPOS="5" WIDTH="30" HEIGHT="9" WC="0.5" CC="123"/>
     <SP WIDTH="5"/>
     <String ID="s2" CONTENT="Men" HPOS="50" VPOS="5" WIDTH="30" HEIGHT="9" WC="0.9" SUBS_TYPE="HypPart1" SUBS_CONTENT="Menfch"/>
     <HYP CONTENT="-"/>
   </TextLine>
   <TextLine ID="l2">
     <String ID="s3" CONTENT="fch" HPOS="10" VPOS="25" WIDTH="30" HEIGHT="9" SUBS_TYPE="HypPart2" SUBS_CONTENT="Menfch"/>
     <SP/>
     <String ID="s4" CONTENT="istgut" HPOS="50" VPOS="25" WIDTH="70" HEIGHT="9"><Glyph CONTENT="i"/></String>
   </TextLine>
 </TextBlock></PrintSpace></Page></Layout></alto>
"""


def alto(version: int = 4, ocr: str = "") -> str:
    return ALTO.format(v=version, ocr=ocr)


def strings(content: bytes) -> list[dict[str, str]]:
    return [dict(e.attrib) for e in etree.fromstring(content).iter("{*}String")]


class TestAlto:
    def test_a_block_is_a_passage_with_divided_words_whole(self, write: Write) -> None:
        file = open_texts(write("a.xml", alto()), Work.CORRECTION)
        assert [tuple(p) for p in file.passages] == [("Dcr Menfch istgut", "block b1")]

    def test_a_corrected_word_keeps_its_place_and_loses_its_confidence(self, write: Write) -> None:
        first, second, *_ = strings(put(write("a.xml", alto()), "Der Menfch istgut"))
        assert first == {"ID": "s1", "CONTENT": "Der", "HPOS": "10", "VPOS": "5", "WIDTH": "30", "HEIGHT": "9"}
        assert second["WC"] == "0.9"

    def test_both_parts_of_a_divided_word_tell_the_whole(self, write: Write) -> None:
        _, part, rest, _ = strings(put(write("a.xml", alto()), "Dcr Menſch istgut"))
        assert (part["CONTENT"], part["SUBS_CONTENT"], part["WC"]) == ("Men", "Menſch", "0.9")
        assert (rest["CONTENT"], rest["SUBS_CONTENT"]) == ("ſch", "Menſch")

    def test_a_word_that_is_divided_no_more_says_so(self, write: Write) -> None:
        written = put(write("a.xml", alto()), "Dcr Men fch istgut")
        assert b"SUBS" not in written
        assert b"HYP" not in written

    def test_a_split_word_shares_its_width_by_characters(self, write: Write) -> None:
        written = put(write("a.xml", alto()), "Dcr Menfch ist gut")
        *_, first, second = strings(written)
        assert first == {"ID": "s4", "CONTENT": "ist", "HPOS": "50", "VPOS": "25", "WIDTH": "30", "HEIGHT": "9"}
        assert second == {"CONTENT": "gut", "HPOS": "90", "VPOS": "25", "WIDTH": "30", "HEIGHT": "9"}
        line = next(e for e in etree.fromstring(written).iter("{*}TextLine") if e.get("ID") == "l2")
        assert [etree.QName(e).localname for e in line] == ["String", "SP", "String", "SP", "String"]
        assert b"Glyph" not in written

    def test_joined_words_are_one_string_as_wide_as_both(self, write: Write) -> None:
        written = put(write("a.xml", alto()), "Dcr Menfchistgut")
        line = next(e for e in etree.fromstring(written).iter("{*}TextLine") if e.get("ID") == "l2")
        (string,) = line
        assert (string.get("CONTENT"), string.get("HPOS"), string.get("WIDTH")) == ("fchistgut", "10", "110")
        assert string.get("SUBS_CONTENT") == "Menfchistgut"

    def test_a_word_that_is_gone_takes_its_space_along_and_a_line_keeps_one_string(self, write: Write) -> None:
        written = put(write("a.xml", alto()), "Dcr Menfch")
        assert [s["CONTENT"] for s in strings(written)] == ["Dcr", "Men", "fch"]
        assert [s["CONTENT"] for s in strings(put(write("b.xml", alto()), ""))] == ["", ""]

    @pytest.mark.parametrize(
        ("version", "ocr", "path"),
        [
            (4, "", "Description/Processing"),
            (3, "", "Description/OCRProcessing/ocrProcessingStep"),
            (
                2,
                '<OCRProcessing ID="o"><ocrProcessingStep/></OCRProcessing>',
                "Description/OCRProcessing/postProcessingStep",
            ),
        ],
    )
    def test_the_change_is_recorded_as_a_step_of_processing(
        self, write: Write, version: int, ocr: str, path: str
    ) -> None:
        root = etree.fromstring(put(write("a.xml", alto(version, ocr)), "Der Menfch istgut"))
        (step,) = root.findall("/".join("{*}" + name for name in path.split("/")))
        said = {etree.QName(e).localname: e.text for e in step.iter()}
        assert said["processingStepDescription"] == f"Text corrected by octavo {__version__} with the model reader"
        assert (said["processingDateTime"], said["softwareVersion"]) == ("2026-11-26T12:00:00", __version__)

    @pytest.mark.parametrize(
        "description", ["<Description></Description>", "<Description> <!-- - --></Description>"]
    )
    def test_an_empty_description_takes_no_step_and_the_change_is_noted(
        self, write: Write, description: str
    ) -> None:
        written = put(
            write("a.xml", re.sub("<Description>.*</Description>", description, alto(), flags=re.S)), "Dcr Menfch"
        )
        assert b"Text corrected by octavo" in written

    def test_a_string_of_a_whole_line_stays_one(self, write: Write) -> None:
        source = (
            '<alto><TextBlock><TextLine><String CONTENT="eine ganze Zcile" HPOS="1"/></TextLine></TextBlock></alto>'
        )
        assert strings(put(write("a.xml", source), "eine gan ze Zeile")) == [
            {"CONTENT": "eine gan ze Zeile", "HPOS": "1"}
        ]

    @given(new=TEXTS)
    @settings(max_examples=50)
    def test_any_correction_is_read_back_and_nothing_else_changes(
        self, tmp_path_factory: pytest.TempPathFactory, new: str
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "any-alto.xml"
        path.write_text(alto())
        written = put(path, new)
        assert texts(path.with_name("out.xml")) == [new]
        lines = [e.get("ID") for e in etree.fromstring(written).iter("{*}TextLine")]
        assert lines == ["l1", "l2"]
        identifiers = [s["ID"] for s in strings(written) if "ID" in s]
        assert len(identifiers) == len(set(identifiers))


PAGE = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/{v}"><Metadata><Creator>x</Creator>
<Created>2016-01-01T00:00:00</Created><LastChange>2016-01-01T00:00:00</LastChange></Metadata><Page>
<TextRegion id="r1"><TextLine id="l1">
 <Word id="w1"><Coords points="0,0 30,2 30,10 0,10"/><TextEquiv conf="0.5"><Unicode>Dcr</Unicode></TextEquiv></Word>
 <Word id="w2"><Coords points="40,0 100,10"/><TextEquiv conf="0.9"><Unicode>Mannist</Unicode></TextEquiv></Word>
 <TextEquiv conf="0.7"><Unicode>Dcr Mannist</Unicode></TextEquiv></TextLine>
 <TextLine id="l2"><TextEquiv><Unicode>gut.</Unicode></TextEquiv></TextLine>
 <TextEquiv><Unicode>Dcr Mannist
gut.</Unicode></TextEquiv></TextRegion></Page></PcGts>
"""


def unicodes(content: bytes, path: str) -> list[str | None]:
    return [e.text for e in etree.fromstring(content).iterfind(f".//{{*}}{path}/{{*}}TextEquiv/{{*}}Unicode")]


class TestPage:
    def test_words_lines_and_region_say_the_same_after_a_correction(self, write: Write) -> None:
        path = write("a.xml", PAGE.format(v="2019-07-15"))
        assert texts(path) == ["Dcr Mannist gut."]
        written = put(path, "Der Mann ist gut.")
        assert unicodes(written, "Word") == ["Der", "Mann", "ist"]
        assert unicodes(written, "TextLine") == ["Der Mann ist", "gut."]
        assert unicodes(written, "TextRegion") == ["Der Mann ist\ngut."]
        assert b"conf" not in written
        words = list(etree.fromstring(written).iter("{*}Word"))
        assert [word.get("id") for word in words] == ["w1", "w2", "w2_2"]
        points = [e.get("points") for word in words for e in word.iter("{*}Coords")]
        assert points == ["0,0 30,2 30,10 0,10", "40,0 70,0 70,10 40,10", "78,0 100,0 100,10 78,10"]

    def test_joined_words_are_one_with_a_box_around_both(self, write: Write) -> None:
        written = put(write("a.xml", PAGE.format(v="2019-07-15")), "DcrMannist gut.")
        (word,) = etree.fromstring(written).iter("{*}Word")
        assert [e.get("points") for e in word.iter("{*}Coords")] == ["0,0 100,0 100,10 0,10"]

    def test_words_that_differ_from_their_line_are_left_where_nothing_was_corrected(self, write: Write) -> None:
        source = PAGE.format(v="2019-07-15").replace("<Unicode>Dcr</Unicode>", "<Unicode>Xcr</Unicode>")
        assert unicodes(put(write("a.xml", source), "Dcr Mannift gut."), "Word") == ["Xcr", "Mannift"]

    @pytest.mark.parametrize(
        ("version", "element", "said"),
        [("2019-07-15", "MetadataItem", "value"), ("2013-07-15", "Comments", "")],
    )
    def test_the_change_is_recorded_in_the_metadata(
        self, write: Write, version: str, element: str, said: str
    ) -> None:
        root = etree.fromstring(put(write("a.xml", PAGE.format(v=version)), "Der Mannist gut."))
        (found,) = root.iterfind(f"{{*}}Metadata/{{*}}{element}")
        assert (found.get(said) if said else found.text) == (
            f"Text corrected by octavo {__version__} with the model reader"
        )
        assert root.findtext("{*}Metadata/{*}LastChange") == "2026-11-26T12:00:00"

    @given(new=TEXTS)
    @settings(max_examples=50)
    def test_any_correction_is_read_back(self, tmp_path_factory: pytest.TempPathFactory, new: str) -> None:
        path = tmp_path_factory.getbasetemp() / "any-page.xml"
        path.write_text(PAGE.format(v="2019-07-15"))
        written = put(path, new)
        assert texts(path.with_name("out.xml")) == [new]
        assert (
            " ".join(str(word) for word in unicodes(written, "Word")).split()
            == str(unicodes(written, "TextLine")[0] or "").split()
        )


class TestPdf:
    def test_it_becomes_plain_text_with_a_form_feed_between_pages(self, write: Write) -> None:
        path = write("a.pdf", pdf_of([column(["Gallia est omnis divisa."]), column(["Hi omnes differunt."])]))
        file: TextFile = open_texts(path, Work.CORRECTION)
        assert (file.suffix, [tuple(p) for p in file.passages]) == (
            ".txt",
            [("Gallia est omnis divisa.", "page 1"), ("Hi omnes differunt.", "page 2")],
        )
        assert put(path, "Gallia est omnis diuisa.", "Hi omnes differunt.").decode() == (
            "Gallia est omnis diuisa.\n\fHi omnes differunt.\n"
        )

    def test_one_of_which_a_page_cannot_be_read_is_refused(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.corpus.readers.pdf.PAGE_CHARACTERS", 7)
        path = write("a.pdf", pdf_of([column(["Arma"]), column(["virumque"])]))
        with pytest.raises(
            InputError, match=r"found page 2: a page of over 7 characters, expected a PDF with text"
        ):
            open_texts(path, Work.CORRECTION)


RAW = Path(__file__).parents[4] / "shared" / "corpus" / "raw"


def mistaken(text: str) -> str:
    """A text with letters swapped in every fifth word, two words joined and one split."""
    words = text.split(" ")
    for n, word in enumerate(words):
        if n % 5 == 0 and len(word) > 3 and word[1:3].isalpha():
            words[n] = word[0] + word[2] + word[1] + word[3:]
    if len(words) > 8:
        words[3:5] = [words[3] + words[4]]
        words[6] = f"{words[6][:2]} {words[6][2:]}" if len(words[6]) > 3 and words[6].isalpha() else words[6]
    return " ".join(words)


@pytest.mark.shared
@pytest.mark.skipif(not RAW.is_dir(), reason="the real corpus is not there")
@pytest.mark.parametrize(
    "name",
    [
        "11__11-0.txt",
        "ELTeC-fra__level1_FRA00101_Adam.xml",
        "csel-dev__data_stoa0215c_stoa003_stoa0215c.stoa003.opp-lat1.xml",
        "dutchdracor__tei_verwers-spaensche-heydin.xml",
        "cremma-16-17-print__fra_bnf-bpt6k6566444g_13_9f0bd_default.xml",
        "gt_structure_text__data_praetorius_syntagma02_1619_teil2_GT-PAGE_praetorius_syntagma02_1619_0132.xml",
        "laws-markdown__wet_wet_taaleis_participatiewet_BWBR0036496_law.md",
    ],
)
def test_real_files_are_read_back_as_they_were_changed(name: str, tmp_path: Path) -> None:
    file = open_texts(RAW / name, Work.CORRECTION)
    out = tmp_path / name
    file.write([p.text for p in file.passages], out, model="m")
    assert out.read_bytes() == (RAW / name).read_bytes()
    new = [mistaken(p.text) for p in file.passages]
    file.write(new, out, model="m", overwrite=True)
    assert texts(out) == new
