"""The XML readers: TEI, ALTO, PAGE, hOCR and JATS as running text, and what no reader may trust."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs

from octavo.corpus.licences import normalise
from octavo.corpus.locations import Location
from octavo.corpus.readers import hocr, xml
from octavo.corpus.readers.flowing_text import seam, tidy
from octavo.corpus.readers.reading import Unreadable
from octavo.corpus.readers.scanned_page import Kind, kind_of
from octavo.corpus.schema import SOURCE_SCHEMA, conform
from octavo.recipe.schema import Source

RAW = Path(__file__).parent.parent.parent.parent / "shared" / "corpus" / "raw"


def read(
    path: Path, reader: Callable[..., Any] = xml.read, source: Source | None = None
) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    """The documents of a file, without their null columns, and what was set aside."""
    location = Location(str(path), "xml", fs.LocalFileSystem(), str(path))
    documents: list[dict[str, Any]] = []
    aside = []
    for piece in reader(location, source or Source(path=str(path))):
        if isinstance(piece, Unreadable):
            aside.append(piece)
        else:
            assert piece.schema == SOURCE_SCHEMA
            documents += [{k: v for k, v in row.items() if v is not None} for row in piece.to_pylist()]
    return documents, aside


def write(folder: Path, content: str | bytes, name: str = "file.xml") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def tei(body: str, header: str = "", text: str = "") -> str:
    head = f"<teiHeader>{header}</teiHeader>" if header else ""
    return f'<TEI xmlns="http://www.tei-c.org/ns/1.0">{head}<text>{text or f"<body>{body}</body>"}</text></TEI>'


BY, NC = (f"https://creativecommons.org/licenses/{kind}/4.0/" for kind in ("by", "by-nc"))
ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"


def ref(address: str, words: str = "this licence") -> str:
    return f"<ref target='{address}'>{words}</ref>"


def text_of(folder: Path, content: str | bytes, source: Source | None = None) -> str:
    documents, aside = read(write(folder, content), source=source)
    assert aside == []
    (document,) = documents
    return str(document["text"])


def reason_of(folder: Path, content: str | bytes) -> str:
    path = write(folder, content)
    documents, (piece,) = read(path)
    assert documents == []
    assert piece.where == str(path)
    assert piece.content == path.read_bytes()
    return piece.reason


class TestTrust:
    def test_a_bomb_of_entities_is_refused(self, tmp_path: Path) -> None:
        laughs = '<!ENTITY a "ha">' + "".join(
            f'<!ENTITY {name} "' + f"&{before};" * 10 + '">'
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        )
        reason = reason_of(tmp_path, f"<!DOCTYPE TEI [{laughs}]>{tei('<p>&i;</p>')}")
        assert reason == "XML that declares the entity 'b', made of other entities"

    def test_a_long_entity_used_often_is_refused(self, tmp_path: Path) -> None:
        text = "<p>" + "&a;" * 50 + "</p>"
        content = f'<!DOCTYPE TEI [<!ENTITY a "HA">]>{tei(text)}'.replace("HA", "ha" * 50_000)
        assert reason_of(tmp_path, content) == (
            "XML with the entity &a;, which stands for no character that it declares"
        )

    @pytest.mark.parametrize(
        "place", ['SYSTEM "secret.txt"', "SYSTEM 'file:///etc/passwd'", 'PUBLIC "-//X" "http://x.invalid/x"']
    )
    def test_an_external_entity_is_refused_and_never_loaded(self, tmp_path: Path, place: str) -> None:
        write(tmp_path, "geheim", "secret.txt")
        reason = reason_of(tmp_path, f"<!DOCTYPE TEI [<!ENTITY x {place}>]>{tei('<p>&x;</p>')}")
        assert reason == "XML that declares the external entity 'x', which is not loaded"

    def test_a_parameter_entity_is_never_loaded(self, tmp_path: Path) -> None:
        declared = "<!ENTITY % more SYSTEM 'file:///etc/passwd'> %more; <!ENTITY % TEI.prose 'INCLUDE'>"
        content = f'<!DOCTYPE TEI SYSTEM "tei2.dtd" [{declared}]>{tei("<p>Arma</p>")}'
        assert text_of(tmp_path, content) == "Arma"

    def test_a_document_type_in_an_encoding_that_hides_it_is_refused(self, tmp_path: Path) -> None:
        content = f'<!DOCTYPE TEI [<!ENTITY a "ha">]>{tei("<p>&a;</p>")}'
        assert "document type" in reason_of(
            tmp_path, f'<?xml version="1.0" encoding="UTF-16LE"?>{content}'.encode("utf-16-le")
        )

    def test_characters_that_a_file_names_are_read(self, tmp_path: Path) -> None:
        declared = "<!ENTITY eacute '&#233;'><!ENTITY longs \"ſ\"><!-- <!ENTITY x SYSTEM 'x'> --><!ENTITY fig SYSTEM 'a.gif' NDATA gif>"
        content = f'<!DOCTYPE TEI.2 PUBLIC "-//TEI P4//DTD Main//EN" "tei2.dtd" [{declared}]>{tei("<p>caf&eacute; &longs;o &amp; &aelig;</p>")}'
        assert text_of(tmp_path, content) == "café ſo & æ"

    def test_names_in_a_cdata_section_are_text(self, tmp_path: Path) -> None:
        assert text_of(tmp_path, tei("<p>&eacute; <![CDATA[&eacute; <b>]]></p>")) == "é &eacute; <b>"

    def test_an_unknown_name_is_refused(self, tmp_path: Path) -> None:
        assert "&nonsuch;" in reason_of(tmp_path, tei("<p>&nonsuch;</p>"))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not well-formed XML"),
            (b"Arma virumque cano", "not well-formed XML"),
            (tei("<p>Arma")[:60].encode(), "not well-formed XML"),
            (b"<TEI><text><body><p>caf\xe9</p></body></text></TEI>", "not well-formed XML"),
            (b'<?xml version="1.0" encoding="klingon"?><TEI/>', "not well-formed XML"),
            (b"<!DOCTYPE TEI [ <TEI/>", "not well-formed XML: a document type that does not end"),
            (b"\xff\xfe<\x00T", "not UTF-16, though its byte-order mark says so"),
            (b"\xff\xfe<\x00T\x00\x00\xd8", "not UTF-16, though its byte-order mark says so"),
            (b"\x00\x01\x02<TEI/>", "not well-formed XML"),
            (b"<TEI>" + b"<p>" * 100_000, "not well-formed XML"),
            (b"<TEI><text>" + b"<hi>" * 1000 + b"</hi>" * 1000 + b"</text></TEI>", ""),
            (b"<TEI><teiHeader/></TEI>", "XML with root <TEI>, but no text in it"),
        ],
    )
    def test_what_is_no_xml_is_set_aside_with_the_reason(self, tmp_path: Path, content: bytes, reason: str) -> None:
        assert reason_of(tmp_path, content).startswith(reason)

    @pytest.mark.parametrize(
        "content",
        [
            "<svg/>",
            '<article xmlns="http://docbook.org/ns/docbook"><para>x</para></article>',
            "<html><body>x</body></html>",
        ],
    )
    def test_a_root_that_nobody_knows_is_named(self, tmp_path: Path, content: str) -> None:
        reason = reason_of(tmp_path, content)
        assert "which no reader takes (TEI, ALTO, PAGE, hOCR, JATS)" in reason
        assert reason.startswith(f"XML with root <{content[1:].split('>')[0].split()[0].rstrip('/')}>")

    def test_a_file_over_the_limit_is_set_aside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(xml, "FILE_BYTES", 50)
        path = write(tmp_path, tei("<p>Arma virumque cano</p>"))
        assert read(path)[1][0].reason == "a file of over 50 bytes"

    def test_a_file_in_gzip_is_read_and_one_cut_short_is_set_aside(self, tmp_path: Path) -> None:
        packed = gzip.compress(tei("<p>Arma</p>").encode())
        assert read(write(tmp_path, packed, "a.xml.gz"))[0][0]["text"] == "Arma"
        assert read(write(tmp_path, packed[:-12], "b.xml.gz"))[1][0].reason.startswith(
            "no gzip file, or one cut short"
        )

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "iso-8859-1"])
    def test_every_encoding_that_a_file_declares_is_read(self, tmp_path: Path, encoding: str) -> None:
        named = encoding.removesuffix("-sig")
        content = (
            f'<?xml version="1.0" encoding="{named}"?>\n<!DOCTYPE TEI SYSTEM "x.dtd">\n{tei("<p>é&egrave;</p>")}'
        )
        assert text_of(tmp_path, content.encode(encoding)) == "éè"


class TestTei:
    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ("<head>I</head><p>Arma\n   virumque</p><p>cano</p>", "I\n\nArma virumque\n\ncano"),
            ("<lg><l>Arma</l>\n<l>virumque</l></lg><lg><l>cano</l></lg>", "Arma\nvirumque\n\ncano"),
            ("<quote><l>Arma</l><l>virumque</l></quote><p>cano</p>", "Arma\nvirumque\n\ncano"),
            ("<p>Dixit<lg><l>Arma</l></lg>ille</p>", "Dixit\n\nArma\n\nille"),
            ("<p>a<!-- no -->b<?no?>c</p>", "abc"),
            ("<p>un\u00a0café\u202f!</p>", "un\u00a0café\u202f!"),
            ("<p>Waſſer vnd œꝛ</p>", "Waſſer vnd œꝛ"),
            ("<p>1<pb n='2'/><fw>Caput I</fw> 2</p>", "1 2"),
            ("<p>ver<pb/>bum</p>", "verbum"),
            ("<p>a<lb/>b <lb/> c</p>", "a b c"),
            ("<p>COM- <lb/>\n MONI<lb break='no'/>TORIUM</p>", "COMMONITORIUM"),
            (
                "<p>ver-<lb break='no'/>bum ha-\n<lb/>ben Orgel-<lb/>Pfeiffen a - <lb/>b 17-<lb/>18</p>",
                "verbum haben Orgel-Pfeiffen a - b 17- 18",
            ),
            ("<p>ver¬<lb/>Bum be-<pb/>\n<lb/>ginning</p>", "verBum beginning"),
            ("<p>COMMON<g ref='char:EOLhyphen'/>WEALTH be<g ref='char:EOLunhyphen'/>ing</p>", "COMMONWEALTH being"),
            ("<p>at<g ref='char:abque'/> <g ref='char:nonsuch'/> <g ref='char:cross'>✚</g></p>", "atque \ufffd ✚"),
            (
                "<p>a<gap reason='lost'/>b <gap><desc>•</desc></gap>c <gap><desc>in Greek</desc></gap></p>",
                "a…b •c …",
            ),
            (
                "<list><head>Arbor</head><item>quercus</item><item><p>ulmus</p></item></list>",
                "Arbor\n\nquercus\nulmus",
            ),
            (
                "<list><label>1.</label><item>quercus</item><label>2.</label><item>ulmus</item></list>",
                "1. quercus\n2. ulmus",
            ),
            (
                "<table><row><cell>a</cell><cell>b\n c</cell></row><row><cell>d</cell><cell/></row></table>",
                "a | b c\nd | ",
            ),
            (
                "<p>a <choice><abbr>b.</abbr><expan>bene</expan></choice> <choice><sic>x</sic><corr>y</corr></choice></p>",
                "a b. x",
            ),
            (
                "<p><app><lem>arma</lem><rdg>alma</rdg></app> <app><rdg>virum</rdg><rdg>viros</rdg></app></p>",
                "arma virum",
            ),
            ("<p>a <del>b</del><add>c</add> <figure><figDesc>a tree</figDesc></figure></p>", "a c"),
            ("<opener><salute>SIR</salute>,\n<dateline>Paris</dateline></opener><p>x</p>", "SIR,\nParis\n\nx"),
            ("<p><w>Arma</w>\n<w>virum</w>\n<pc>,</pc></p>", "Arma virum,"),
            ("stray <p>text</p> stays", "stray\n\ntext\n\nstays"),
        ],
    )
    def test_the_structure_stays_and_the_book_goes(self, tmp_path: Path, body: str, text: str) -> None:
        expected = "\n".join(line.rstrip(" ") for line in text.split("\n"))
        assert "\n".join(line.rstrip(" ") for line in text_of(tmp_path, tei(body)).split("\n")) == expected

    def test_a_speech_has_its_speaker_and_a_direction_within_it_brackets(self, tmp_path: Path) -> None:
        body = (
            "<stage>Enter Ada.</stage><sp><speaker>ADA.</speaker><l>Arma <stage>aside</stage></l><l>virumque</l></sp>"
            "<sp><speaker>BOB.</speaker><p>Cano.</p><stage>(Exit.)</stage><p>Vale.</p></sp>"
        )
        assert text_of(tmp_path, tei(body)) == (
            "Enter Ada.\n\nADA.\nArma (aside)\nvirumque\n\nBOB.\nCano.\n(Exit.)\nVale."
        )

    def test_notes_are_set_apart_at_the_end_of_their_section(self, tmp_path: Path) -> None:
        body = "<div><p>Arma<note place='margin'>De armis.<p>Bis.</p></note> virum<note>V.</note>.</p></div><div><p>Cano</p></div>"
        assert text_of(tmp_path, tei(body)) == "Arma virum.\n\nDe armis.\n\nBis.\n\nV.\n\nCano"

    def test_the_mark_of_a_note_goes_with_it(self, tmp_path: Path) -> None:
        body = "<div><p>Arma <ref target='#n1'>[1]</ref>, <ref target='#n1'>virum</ref></p></div><div><note xml:id='n1'>De armis.</note></div>"
        assert text_of(tmp_path, tei(body)) == "Arma, virum\n\nDe armis."

    def test_the_recipe_may_ask_for_regular_spelling(self, tmp_path: Path) -> None:
        body = "<p><choice><orig>vnd</orig><reg>und</reg></choice> <choice><sic>x</sic><corr>y</corr></choice> <w reg='love'>loue</w></p>"
        assert text_of(tmp_path, tei(body), Source(path="x", spelling="regularised")) == "und y love"
        assert text_of(tmp_path, tei(body)) == "vnd x loue"

    def test_without_a_namespace_it_reads_the_same(self, tmp_path: Path) -> None:
        content = "<TEI.2><teiHeader><fileDesc><titleStmt><title>Aeneis</title></titleStmt></fileDesc></teiHeader><text lang='la'><body><div1><p>Arma</p></div1></body></text></TEI.2>"
        documents, _ = read(write(tmp_path, content))
        assert [(d["title"], d["language"], d["text"]) for d in documents] == [("Aeneis", "la", "Arma")]

    def test_the_texts_of_a_corpus_and_a_group_are_documents_with_numbers(self, tmp_path: Path) -> None:
        header = "<fileDesc><titleStmt><title>Opera</title></titleStmt></fileDesc>"
        group = "<front><p>Praefatio</p></front><group><text><body><p>Arma</p></body></text><text><body><p>virum</p></body></text></group>"
        own = "<fileDesc><titleStmt><title>Alia</title></titleStmt></fileDesc>"
        content = (
            f"<teiCorpus><teiHeader>{header}</teiHeader>{tei('', text=group)}{tei('<p>cano</p>', own)}</teiCorpus>"
        )
        path = write(tmp_path, content)
        assert [(d["identifier"].removeprefix(str(path)), d["title"], d["text"]) for d in read(path)[0]] == [
            ("#s001", "Opera", "Praefatio"),
            ("#s002", "Opera", "Arma"),
            ("#s003", "Opera", "virum"),
            ("#s004", "Alia", "cano"),
        ]

    def test_the_texts_of_a_group_in_a_group_are_documents_once(self, tmp_path: Path) -> None:
        a, b, c, d = (f"<text><body><p>{name}</p></body></text>" for name in "ABCD")
        group = f"<group>{a}<group>{b}{c}</group><group><group>{d}</group></group></group>"
        assert [document["text"] for document in read(write(tmp_path, tei("", text=group)))[0]] == list("ABCD")

    def test_the_header_says_title_author_work_licence_and_place(self, tmp_path: Path) -> None:
        header = """<fileDesc>
          <titleStmt><title>Ein Dorf : ELTeC edition</title><title type="short">Dorf</title>
            <author>Muster, Ada (1832-1898)</author><author><persName><surname>Zweit</surname><forename>Eva</forename></persName>
            <date from="1840" to="1900"/></author><author>Hobbes, Thomas, 1588-1679.</author></titleStmt>
          <publicationStmt><date>2021</date><availability><licence target="https://creativecommons.org/licenses/by/4.0/">free</licence></availability></publicationStmt>
          <sourceDesc><bibl type="digitalSource"><date>2019</date><ref target="https://example.org/dorf"/></bibl>
            <bibl type="printSource"><date>1868</date></bibl><bibl type="firstEdition"><date>1860.</date></bibl></sourceDesc>
        </fileDesc><profileDesc><langUsage><language ident="de">Deutsch</language></langUsage></profileDesc>"""
        (document,), _ = read(write(tmp_path, tei("<p>x</p>", header)))
        assert {k: v for k, v in document.items() if k not in ("identifier", "text")} == {
            "title": "Ein Dorf",
            "creator": "Muster, Ada (1832-1898); Zweit, Eva (1840-1900); Hobbes, Thomas (1588-1679)",
            "date": "1860",
            "license": "https://creativecommons.org/licenses/by/4.0/",
            "language": "de",
            "source_url": "https://example.org/dorf",
        }

    @pytest.mark.parametrize(
        ("availability", "licence"),
        [
            ("<licence>CC BY-SA 4.0</licence>", "CC BY-SA 4.0"),
            (
                "<p>Use it under <ref target='https://creativecommons.org/publicdomain/zero/1.0/'>CC0</ref>.</p>",
                "https://creativecommons.org/publicdomain/zero/1.0/",
            ),
            (
                "<p>Under the Creative Commons Attribution-ShareAlike 4.0 License.</p>",
                "Creative Commons Attribution-ShareAlike 4.0",
            ),
            (
                "<p>Creative Commons Attribution License, for non-commercial use.</p>",
                "Creative Commons Attribution License, for non-commercial use.",
            ),
            ("<licence target='#x'>All rights reserved</licence>", "All rights reserved"),
            ("", None),
        ],
    )
    def test_a_licence_is_its_address_else_its_words(
        self, tmp_path: Path, availability: str, licence: str | None
    ) -> None:
        header = (
            f"<fileDesc><publicationStmt><availability>{availability}</availability></publicationStmt></fileDesc>"
        )
        (document,), _ = read(write(tmp_path, tei("<p>x</p>", header)))
        assert document.get("license") == licence

    @pytest.mark.parametrize(
        "words",
        [
            f"<licence><p>In copyright, all rights reserved. The metadata are under {ref(ZERO)}.</p></licence>",
            f"<licence target='{BY}'>For personal use only.</licence>",
            f"<licence target='{BY}'>CC BY-NC-ND 4.0, Verlag Muster</licence>",
            f"<p>All rights reserved.</p><licence target='{BY}'>CC BY 4.0</licence>",
            "<p>All rights reserved.</p><licence>CC BY 4.0</licence>",
            f"<licence target='{ZERO}'>The metadata in this header.</licence>",
            f"<p>Die Metadaten stehen unter {ref(ZERO)}.</p>",
            f"<p>{ref(ZERO, 'Creative Commons CC0 1.0')} applies to the metadata.</p>",
            f"<p>The pictures: {ref(BY)}</p>",
            f"<p>This edition is not under {ref(BY)}.</p>",
            f"<p>Text: {ref('https://example.org/licence')}, encoding: {ref(ZERO)}</p>",
        ],
    )
    def test_an_open_address_frees_no_text_that_the_words_keep_back(self, tmp_path: Path, words: str) -> None:
        licence = licence_of(tmp_path, f"<availability>{words}</availability>")
        assert licence is not None
        assert normalise(licence) is None

    @pytest.mark.parametrize(
        ("words", "licence"),
        [
            (f"Metadata: {ref(ZERO)}. Text: {ref(NC)}.", NC),
            (f"Text: {ref(BY)}, notes: {ref(NC)}", f"{BY}; {NC}"),
            (f"Free ({ref(BY)}, {ref(f'{BY}legalcode')})", BY),
            (f"Under {ref(BY, 'CC BY')}. Some rights reserved. The text is not in copyright.", BY),
            (f"Under {ref(NC)}, for non-commercial use.", NC),
        ],
    )
    def test_addresses_in_words_hold_together_but_those_of_something_else(
        self, tmp_path: Path, words: str, licence: str
    ) -> None:
        assert licence_of(tmp_path, f"<availability><p>{words}</p></availability>") == licence

    @pytest.mark.parametrize(
        ("inside", "licence"),
        [
            ("", "restricted"),
            ("<p>Ask us.</p>", "restricted: Ask us."),
            ("<licence>CC BY 4.0</licence>", "CC BY 4.0"),
        ],
    )
    def test_a_text_that_is_said_to_be_restricted_is_free_by_a_named_licence_alone(
        self, tmp_path: Path, inside: str, licence: str
    ) -> None:
        assert licence_of(tmp_path, f"<availability status='restricted'>{inside}</availability>") == licence

    def test_what_a_header_leaves_out_of_licence_and_language_the_header_of_the_corpus_says(
        self, tmp_path: Path
    ) -> None:
        def header(title: str, licence: str = "", language: str = "") -> str:
            return (
                f"<fileDesc><titleStmt><title>{title}</title></titleStmt><publicationStmt>{licence}<p>x</p>"
                f"</publicationStmt></fileDesc>{language}"
            )

        latin, greek = (
            f"<profileDesc><langUsage><language ident='{name}'/></langUsage></profileDesc>"
            for name in ("la", "grc")
        )
        licences = [f"<availability><licence target='{address}'/></availability>" for address in (NC, BY)]
        content = (
            f"<teiCorpus><teiHeader>{header('All', licences[0], latin)}</teiHeader>{tei('', header('A'))}"
            f"<teiCorpus><teiHeader xml:lang='en'>{header('Some')}</teiHeader>{tei('', header('B'))}</teiCorpus>"
            f"{tei('', header('C', licences[1], greek))}</teiCorpus>"
        )
        documents, _ = read(write(tmp_path, content))
        assert [(d["title"], d["license"], d["language"]) for d in documents] == [
            ("A", NC, "la"),
            ("B", NC, "la"),
            ("C", BY, "grc"),
        ]

    @pytest.mark.parametrize(
        ("death", "creator"),
        [
            ('<death when="1962-05-01"/>', "Orme, Jane (1880-1962)"),
            ('<death notBefore="1950" notAfter="1962"/>', "Orme, Jane (1880-1962)"),
            ('<death from="1950" to="1962"/>', "Orme, Jane (1880-1962)"),
            ('<death notAfter="1962"/>', "Orme, Jane (1880-1962)"),
            ('<death notBefore="1950"/>', "Orme, Jane (1880-)"),
            ("<death>1950 or 1962</death>", "Orme, Jane (1880-1962)"),
        ],
    )
    def test_an_author_had_died_by_the_last_year_that_is_possible(
        self, tmp_path: Path, death: str, creator: str
    ) -> None:
        author = f'<persName>Orme, Jane</persName><birth notBefore="1880" notAfter="1885"/>{death}'
        header = f"<fileDesc><titleStmt><author>{author}</author></titleStmt></fileDesc>"
        (document,), _ = read(write(tmp_path, tei("<p>x</p>", header)))
        assert document["creator"] == creator


def licence_of(folder: Path, availability: str) -> str | None:
    header = f"<fileDesc><publicationStmt>{availability}</publicationStmt></fileDesc>"
    (document,), _ = read(write(folder, tei("<p>x</p>", header)))
    return document.get("license")


def alto(*blocks: str, tags: str = "", around: str = "") -> str:
    return (
        f'<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Tags>{tags}</Tags><Layout>{around}<Page>'
        '<TopMargin><TextBlock><TextLine><String CONTENT="CAPUT"/></TextLine></TextBlock></TopMargin>'
        '<LeftMargin><TextBlock><TextLine><String CONTENT="nota"/></TextLine></TextBlock></LeftMargin>'
        f"<PrintSpace>{''.join(blocks)}</PrintSpace></Page></Layout></alto>"
    )


def alto_line(*words: str) -> str:
    return "<TextLine>" + "<SP/>".join(f"<String CONTENT={quoteattr(w)}/>" for w in words) + "</TextLine>"


class TestAlto:
    def test_lines_run_on_and_blocks_are_paragraphs_with_margins_apart(self, tmp_path: Path) -> None:
        content = alto(
            f"<TextBlock>{alto_line('Arma', 'vi-')}{alto_line('rumque')}</TextBlock>",
            f"<TextBlock>{alto_line('cano')}</TextBlock>",
        )
        assert text_of(tmp_path, content) == "Arma virumque\n\ncano\n\nnota"

    def test_a_divided_word_that_the_file_has_whole_is_taken_whole(self, tmp_path: Path) -> None:
        lines = (
            '<TextLine><String CONTENT="Ar"/><SP/><String CONTENT="vi" SUBS_TYPE="HypPart1" SUBS_CONTENT="virumque"/><HYP CONTENT="-"/></TextLine>'
            '<TextLine><String CONTENT="rumque" SUBS_TYPE="HypPart2" SUBS_CONTENT="virumque"/><SP/><String CONTENT="ca"/><HYP CONTENT="-"/></TextLine>'
            '<TextLine><String CONTENT="no"/></TextLine>'
        )
        assert text_of(tmp_path, alto(f"<TextBlock>{lines}</TextBlock>")) == "Ar virumque cano\n\nnota"

    def test_words_without_marked_spaces_are_apart(self, tmp_path: Path) -> None:
        line = '<TextLine><String CONTENT="Arma"/><String CONTENT="virum"/></TextLine>'
        assert text_of(tmp_path, alto(f"<TextBlock>{line}</TextBlock>")) == "Arma virum\n\nnota"

    def test_tags_tell_page_numbers_and_marginalia(self, tmp_path: Path) -> None:
        tags = '<OtherTag ID="a" LABEL="NumberingZone"/><OtherTag ID="b" LABEL="Main"/><OtherTag ID="c" LABEL="MarginTextZone:note"/>'
        blocks = [
            f'<TextBlock TAGREFS="{t}">{alto_line(w)}</TextBlock>'
            for t, w in (("c", "glossa"), ("a", "12"), ("b", "Arma"))
        ]
        assert text_of(tmp_path, alto(*blocks, tags=tags)) == "Arma\n\nnota\n\nglossa"

    def test_the_reading_order_is_kept(self, tmp_path: Path) -> None:
        order = (
            '<ReadingOrder><OrderedGroup><ElementRef REF="b"/><ElementRef REF="a"/></OrderedGroup></ReadingOrder>'
        )
        blocks = [f'<TextBlock ID="{i}">{alto_line(w)}</TextBlock>' for i, w in (("a", "cano"), ("b", "Arma"))]
        assert text_of(tmp_path, alto(*blocks, around=order)) == "Arma\n\ncano\n\nnota"

    def test_the_reading_order_may_name_what_holds_blocks(self, tmp_path: Path) -> None:
        order = '<ReadingOrder><ElementRef REF="B"/><ElementRef REF="A"/></ReadingOrder>'
        words = (("A", "cano"), ("B", "Arma"))
        columns = [
            f'<ComposedBlock ID="{i}"><TextBlock ID="{i}1">{alto_line(w)}</TextBlock></ComposedBlock>'
            for i, w in words
        ]
        assert text_of(tmp_path, alto(*columns, around=order)) == "Arma\n\ncano\n\nnota"

    def test_without_a_reading_order_a_block_may_name_the_next(self, tmp_path: Path) -> None:
        blocks = [
            f'<TextBlock ID="{i}" IDNEXT="{following}">{alto_line(w)}</TextBlock>'
            for i, following, w in (
                ("c", "", "cano"),
                ("a", "b", "Arma"),
                ("d", "d", "Troiae"),
                ("b", "c", "virum"),
            )
        ]
        assert text_of(tmp_path, alto(*blocks)) == "Arma\n\nvirum\n\ncano\n\nTroiae\n\nnota"

    def test_a_word_divided_between_columns_and_pages_is_there_once(self, tmp_path: Path) -> None:
        def block(*parts: str) -> str:
            return f"<TextBlock><TextLine>{'<SP/>'.join(parts)}</TextLine></TextBlock>"

        def half(number: int, content: str, whole: str) -> str:
            return f'<String CONTENT="{content}" SUBS_TYPE="HypPart{number}" SUBS_CONTENT="{whole}"/>'

        words = [f'<String CONTENT="{word}"/>' for word in ("Arma", "cano", "qui")]
        content = alto(
            block(words[0], half(1, "vi", "virumque")),
            block(half(2, "rumque", "virumque"), words[1], half(1, "Tro", "Troiae")),
        )
        (end,) = re.findall("</Page>", content)
        after = block(half(2, "iae", "Troiae"), words[2]) + block(half(2, "mus", "primus"))
        content = content.replace(end, f"</Page><Page><PrintSpace>{after}</PrintSpace></Page>")
        assert text_of(tmp_path, content) == "Arma virumque\n\ncano Troiae\n\nnota\n\nqui\n\nmus"

    @pytest.mark.parametrize(
        ("line", "following", "text"),
        [("ha", "ben", "haben"), ("Orgel", "Pfeiffen", "Orgel-Pfeiffen"), ("VIRUM", "QUE", "VIRUMQUE")],
    )
    def test_a_marked_hyphen_stays_before_a_capital(
        self, tmp_path: Path, line: str, following: str, text: str
    ) -> None:
        first = f'<TextLine><String CONTENT="{line}"/><HYP CONTENT="-"/></TextLine>'
        assert text_of(tmp_path, alto(f"<TextBlock>{first}{alto_line(following)}</TextBlock>")) == f"{text}\n\nnota"

    @pytest.mark.parametrize(
        ("blocks", "language"),
        [
            ("<TextBlock language='de'/>", "de"),  # as ALTO 2.0 has it
            ("<TextBlock/><TextBlock LANG='de'/>", "de"),
            (
                "<TextBlock><TextLine><String CONTENT='a' LANG='de'/></TextLine></TextBlock><TextBlock LANG='la'/>",
                "la",
            ),
            ("<TextBlock><TextLine><String CONTENT='a' LANG='de'/></TextLine></TextBlock>", "de"),
            ("<TextBlock/>", None),
        ],
    )
    def test_the_language_is_the_first_that_is_stated(
        self, tmp_path: Path, blocks: str, language: str | None
    ) -> None:
        (document,), _ = read(write(tmp_path, alto(blocks)))
        assert document.get("language") == language

    def test_a_block_is_of_the_kind_of_the_one_that_it_is_in(self, tmp_path: Path) -> None:
        tags = '<OtherTag ID="a" LABEL="RunningTitleZone"/><OtherTag ID="b" LABEL="MainZone"/>'
        blocks = [
            f'<ComposedBlock TAGREFS="{tag}"><TextBlock>{alto_line(word)}</TextBlock></ComposedBlock>'
            for tag, word in (("a", "AENEIS"), ("b", "Arma"))
        ]
        assert text_of(tmp_path, alto(*blocks, tags=tags)) == "Arma\n\nnota"

    def test_lines_that_begin_with_capitals_are_verse(self, tmp_path: Path) -> None:
        lines = "".join(
            alto_line(*line.split()) for line in ("Arma virumque", "Italiam fato", "Litora multum", "Vi superum")
        )
        assert text_of(tmp_path, alto(f"<TextBlock>{lines}</TextBlock>")).startswith(
            "Arma virumque\nItaliam fato\n"
        )

    def test_the_words_confidence_is_their_mean(self, tmp_path: Path) -> None:
        line = '<TextLine><String CONTENT="a" WC="0.5"/><String CONTENT="b" WC="1.0"/><String CONTENT="c" WC="no"/></TextLine>'
        (document,), _ = read(write(tmp_path, alto(f"<TextBlock>{line}</TextBlock>")))
        assert document["ocr_confidence"] == 0.75

    def test_a_blank_page_is_a_document_without_text(self, tmp_path: Path) -> None:
        assert text_of(tmp_path, "<alto><Layout><Page><PrintSpace/></Page></Layout></alto>") == ""


def test_of_a_file_that_was_cut_short_what_is_there_is_read() -> None:
    whole = page(region("a", "Arma virumque", "cano"), region("b", "Troiae qui primus"))
    assert xml.text_in(whole) == "Arma virumque cano\n\nTroiae qui primus"
    assert xml.text_in(whole[: whole.index("primus")]) == "Arma virumque cano\n\nTroiae qui"
    assert xml.text_in(whole[: whole.index("<Unicode>Troiae") + 4]) == "Arma virumque cano"
    assert xml.text_in("no markup") is None


def page(*regions: str, order: str = "") -> str:
    start = '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page>'
    return f"{start}{order}{''.join(regions)}</Page></PcGts>"


def region(identifier: str, *lines: str, kind: str = "paragraph") -> str:
    inner = "".join(
        f"<TextLine><TextEquiv><Unicode>{escape(line)}</Unicode></TextEquiv></TextLine>" for line in lines
    )
    return f'<TextRegion id="{identifier}" type="{kind}">{inner}</TextRegion>'


class TestPage:
    def test_regions_are_read_in_their_order_through_groups(self, tmp_path: Path) -> None:
        order = (
            '<ReadingOrder><OrderedGroup><UnorderedGroupIndexed index="1"><RegionRef regionRef="c"/></UnorderedGroupIndexed>'
            '<OrderedGroupIndexed index="0"><RegionRefIndexed index="1" regionRef="b"/><RegionRefIndexed index="0" regionRef="a"/>'
            "</OrderedGroupIndexed></OrderedGroup></ReadingOrder>"
        )
        content = page(
            region("d", "quartum"),
            region("c", "tertium"),
            region("b", "secundum"),
            region("a", "primum"),
            order=order,
        )
        assert text_of(tmp_path, content) == "primum\n\nsecundum\n\ntertium\n\nquartum"

    def test_regions_in_a_region_are_read_in_their_order(self, tmp_path: Path) -> None:
        order = (
            '<ReadingOrder><OrderedGroup><OrderedGroupIndexed index="1" regionRef="t">'
            '<RegionRefIndexed index="1" regionRef="b"/><RegionRefIndexed index="0" regionRef="a"/>'
            '</OrderedGroupIndexed><RegionRefIndexed index="0" regionRef="d"/></OrderedGroup></ReadingOrder>'
        )
        inner = region("c", "tertium") + region("b", "secundum") + region("a", "primum")
        content = page(f'<TableRegion id="t">{inner}</TableRegion>', region("d", "initium"), order=order)
        assert text_of(tmp_path, content) == "initium\n\nprimum\n\nsecundum\n\ntertium"

    def test_text_that_repeats_that_of_its_parts_is_read_once(self, tmp_path: Path) -> None:
        whole = "<TextEquiv><Unicode>Arma\nvirumque</Unicode></TextEquiv>"
        content = page(f'<TextRegion id="a">{region("b", "Arma")}{region("c", "virumque")}{whole}</TextRegion>')
        assert text_of(tmp_path, content) == "Arma\n\nvirumque"
        content = page(f'<TextRegion id="a">{region("b", "12", kind="page-number")}{whole}</TextRegion>')
        assert text_of(tmp_path, content) == "Arma virumque"

    def test_those_who_sign_a_letter_are_no_printers_mark(self, tmp_path: Path) -> None:
        content = page(
            region("a", "Vale.")
            + region("b", "Jane Orme").replace("type", 'custom="structure {type:signature;}" type')
        )
        assert text_of(tmp_path, content) == "Vale.\n\nJane Orme"

    def test_without_an_order_the_file_has_it(self, tmp_path: Path) -> None:
        assert text_of(tmp_path, page(region("b", "Arma"), region("a", "cano"))) == "Arma\n\ncano"

    def test_divided_words_are_joined(self, tmp_path: Path) -> None:
        content = page(region("a", "ha-", "ben Bau⸗", "Kunst opuſcu⸗", "lum tranſla¬", "tez a -", "b"))
        assert text_of(tmp_path, content) == "haben Bau⸗Kunst opuſculum tranſlatez a - b"

    def test_what_is_the_books_goes_and_marginalia_come_last(self, tmp_path: Path) -> None:
        kinds = ("header", "page-number", "marginalia", "drop-capital", "paragraph", "signature-mark", "catch-word")
        words = ("CAPUT", "12", "nota", "A", "rma", "B ij", "bus")
        content = page(*(region(kind, word, kind=kind) for kind, word in zip(kinds, words, strict=True)))
        assert text_of(tmp_path, content) == "Arma\n\nnota"

    def test_of_several_readings_the_first_is_taken_at_any_level(self, tmp_path: Path) -> None:
        def equiv(text: str, index: int, conf: float = 0.5) -> str:
            return f'<TextEquiv index="{index}" conf="{conf}"><Unicode>{text}</Unicode></TextEquiv>'

        line = f"<TextLine>{equiv('alma', 1)}{equiv('Arma', 0)}</TextLine>"
        words = f"<TextLine><Word>{equiv('virum', 0, 1)}</Word><Word><Glyph>{equiv('q', 0)}</Glyph><Glyph>{equiv('ue', 0)}</Glyph></Word></TextLine>"
        content = page(
            f"<TextRegion id='a'>{line}{words}</TextRegion>", f"<TextRegion id='b'>{equiv('cano', 0)}</TextRegion>"
        )
        (document,), _ = read(write(tmp_path, content))
        assert document["text"] == "Arma virum que\n\ncano"
        assert document["ocr_confidence"] == 0.75

    @pytest.mark.parametrize(
        ("label", "kind"),
        [
            ("header", Kind.DROPPED),
            ("page-number", Kind.DROPPED),
            ("RunningTitleZone", Kind.DROPPED),
            ("catch-word", Kind.DROPPED),
            ("signature-mark", Kind.DROPPED),
            ("sig_mark", Kind.DROPPED),
            ("signature", Kind.TEXT),
            ("footnote-continued", Kind.NOTE),
            ("Margin", Kind.NOTE),
            ("DropCapitalZone", Kind.CAPITAL),
            ("heading", Kind.TEXT),
            ("MainZone", Kind.TEXT),
            (None, Kind.TEXT),
        ],
    )
    def test_labels_of_regions_mean_the_same_in_every_scheme(self, label: str | None, kind: Kind) -> None:
        assert kind_of(label) is kind


HOCR = """<html xmlns="http://www.w3.org/1999/xhtml" lang="la"><head><title>{title}</title><meta name="ocr-system" content="{system}"/></head>
<body><div class="ocr_page"><span class="ocr_pageno">12</span><div class="ocr_carea"><p class="ocr_par">
<span class="ocr_header"><span class="ocrx_word">CAPUT</span></span>
<span class="ocr_line"><span class="ocrx_word" title="bbox 0 0 1 1; x_wconf 90">Arma</span> <span class="ocrx_word" title="x_wconf 70">vi-</span></span>
<span class="ocr_line"><em><span class="ocrx_word">rumque</span></em></span></p>
<p class="ocr_par"><span class="ocr_line">cano &nbsp;Troiae</span></p></div></div></body></html>"""


CHARACTER = "<span class='ocrx_cinfo' title='x_bboxes 0 0 1 1; x_conf 98'>{}</span>"
CHOICE = "<span class='ocrx_cinfo' title='x_confs 98'>{}</span>"


def hocr_page(body: str, system: str = "other", language: str = "la") -> str:
    head = f'<head><meta name="ocr-system" content="{system}"/></head>'
    return f'<html lang="{language}">{head}<body><div class="ocr_page">{body}</div></body></html>'


class TestHocr:
    def test_paragraphs_and_lines_are_read_with_the_words_confidence(self, tmp_path: Path) -> None:
        (document,), _ = read(write(tmp_path, HOCR.format(title="Aeneis", system="other")))
        assert document["text"] == "Arma virumque\n\ncano \u00a0Troiae"
        assert (document["title"], document["language"], document["ocr_confidence"]) == ("Aeneis", "la", 0.8)

    def test_a_heading_of_tesseract_is_no_running_head(self, tmp_path: Path) -> None:
        assert text_of(tmp_path, HOCR.format(title="", system="tesseract 5")).startswith("CAPUT Arma virumque")

    def test_old_html_is_read_where_the_name_says_hocr(self, tmp_path: Path) -> None:
        content = "<html><head><meta charset=utf-8><title>OCR</title></head><body><div class=ocr_page><span class=ocr_line>Arma<br></span></div>"
        documents, aside = read(write(tmp_path, content, "a.hocr"), hocr.read)
        assert ([d["text"] for d in documents], aside) == (["Arma"], [])

    def test_old_html_is_in_utf_8_where_it_states_no_encoding(self, tmp_path: Path) -> None:
        content = "<html><body><div class=ocr_page><span class=ocr_line>Müller<br></span></div>"
        assert read(write(tmp_path, content, "a.hocr"), hocr.read)[0][0]["text"] == "Müller"

    @pytest.mark.parametrize(
        ("word", "text"),
        [
            # hocr_char_boxes=1: an element for each letter
            (f"\n{CHARACTER.format('T')}\n{CHARACTER.format('a')}\n{CHARACTER.format('g')}", "Tag"),
            # lstm_choice_mode=2: what each letter might have been
            (f"Tag\n<span class='ocrx_cinfo'>{CHOICE.format('T')}\n{CHOICE.format('I')}</span>", "Tag"),
            ("Tag<span class='ocr_symbol'><span class='ocr_glyph'>T</span></span>", "Tag"),
            # both
            (f"{CHARACTER.format('T')} <span class='ocrx_cinfo'>{CHOICE.format('I')}</span>", "T"),
            ("<span class='ocrx_cinfo'>Tag</span>", "Tag"),
            ("T<strong>a</strong>g", "Tag"),
        ],
    )
    def test_a_word_is_read_once_whatever_stands_on_its_letters(self, tmp_path: Path, word: str, text: str) -> None:
        content = hocr_page(f'<span class="ocr_line"><span class="ocrx_word">{word}</span></span>')
        assert text_of(tmp_path, content) == text

    @pytest.mark.parametrize(
        ("system", "root", "paragraphs", "language"),
        [
            ("tesseract 5", "en", ["deu"], "deu"),  # Tesseract's root says en of any book
            ("tesseract 5", "en", [""], None),
            ("other", "en", [""], "en"),
            ("other", "en", ["deu", "fra", "deu"], "deu"),
        ],
    )
    def test_the_language_is_that_of_most_words(
        self, tmp_path: Path, system: str, root: str, paragraphs: list[str], language: str | None
    ) -> None:
        word = '<span class="ocr_line"><span class="ocrx_word">Tag</span></span>'
        body = "".join(f'<p class="ocr_par" lang="{lang}">{word}</p>' for lang in paragraphs)
        (document,), _ = read(write(tmp_path, hocr_page(body, system, root)))
        assert document.get("language") == language

    def test_text_outside_of_lines_is_kept(self, tmp_path: Path) -> None:
        content = hocr_page(
            '<div class="ocr_carea"><p class="ocr_par">Caput primum</p></div>'
            '<div class="ocr_carea"><p class="ocr_par"><span class="ocr_line">Arma vi-</span> '
            '<span class="ocr_line">rumque</span></p></div>'
            '<div class="ocr_carea"><table><tr><td>cano</td><td>Troiae</td></tr></table></div>'
            '<div class="ocr_carea"><span class="ocrx_word">qui</span> <span class="ocrx_word">primus</span></div>'
        )
        assert text_of(tmp_path, content) == "Caput primum\n\nArma virumque\n\ncano Troiae\n\nqui primus"

    def test_what_has_no_page_is_set_aside(self, tmp_path: Path) -> None:
        for content in ("<html><body>Arma</body></html>", "Arma", ""):
            documents, aside = read(write(tmp_path, content, "a.hocr"), hocr.read)
            assert documents == []
            assert len(aside) == 1


JATS = """<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML" xml:lang="en"><front><article-meta>
<article-id pub-id-type="doi">10.1234/x</article-id><title-group><article-title>On <italic>Trees</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Muster</surname><given-names>Ada B.</given-names></name></contrib>
<contrib contrib-type="author"><collab>Tree Group</collab></contrib><contrib contrib-type="editor"><name><surname>No</surname></name></contrib></contrib-group>
<pub-date pub-type="collection"><year>2021</year></pub-date><pub-date pub-type="epub"><day>5</day><month>3</month><year>2020</year></pub-date>
<permissions><license {href}><license-p>{words}</license-p></license></permissions><abstract><p>Trees grow.</p></abstract></article-meta></front>
<body><sec><label>1</label><title>Growth</title><p>Trees grow [<xref ref-type="bibr" rid="r1">1</xref>–<xref ref-type="bibr" rid="r2">3</xref>] by 10<sup>-3</sup> m &amp; more (see <xref ref-type="fig" rid="f">Figure 1</xref>)<xref ref-type="fn" rid="n"><sup>a</sup></xref>, <inline-formula><mml:math><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:mn>1</mml:mn></mml:math></inline-formula>.<fn id="n"><label>a</label><p>Often.</p></fn></p>
<disp-formula><tex-math>\\frac</tex-math></disp-formula>
<fig id="f"><label>Figure 1</label><caption><title>A tree.</title><p>Oak.</p></caption><graphic xlink:href="a.png"/></fig>
<list><list-item><label>(a)</label><p>oak</p></list-item><list-item><p>elm</p></list-item></list>
<table-wrap><label>Table 1</label><caption><p>Sizes.</p></caption><table><tbody><tr><td>oak</td><td>20</td></tr></tbody></table><table-wrap-foot><fn><p>In metres.</p></fn></table-wrap-foot></table-wrap></sec></body>
<back><ref-list><title>References</title><ref><mixed-citation>Gone 1999</mixed-citation></ref></ref-list></back></article>"""


def link(address: str) -> str:
    return f'<ext-link xlink:href="{address}">this</ext-link>'


class TestJats:
    def test_an_article_is_read_without_its_references(self, tmp_path: Path) -> None:
        content = JATS.format(href='xlink:href="https://creativecommons.org/licenses/by/4.0/"', words="Free.")
        path = write(tmp_path, content)
        (document,), _ = read(path)
        assert document == {
            "identifier": str(path),
            "license": "https://creativecommons.org/licenses/by/4.0/",
            "date": "2020-03-05",
            "title": "On Trees",
            "creator": "Muster, Ada B.; Tree Group",
            "language": "en",
            "source_url": "https://doi.org/10.1234/x",
            "text": "On Trees\n\nTrees grow.\n\n1 Growth\n\nTrees grow by 10⁻³ m & more (see Figure 1), x=1.\n\n"
            "Figure 1 A tree.\nOak.\n\n(a) oak\nelm\n\nTable 1 Sizes.\n\noak | 20\n\nIn metres.\n\nOften.",
        }

    @pytest.mark.parametrize(
        ("words", "licence"),
        [
            (
                "Distributed under the terms of the Creative Commons Attribution License, which permits use.",
                "Creative Commons Attribution",
            ),
            (
                "Creative Commons Attribution Non-Commercial License 3.0",
                "Creative Commons Attribution-Non-Commercial 3.0",
            ),
            (
                "© 2013 Doe. You may use it under the Creative Commons Attribution-ShareAlike License, version 4.0.",
                "Creative Commons Attribution-ShareAlike 4.0",
            ),
            *(
                (closed, closed)
                for closed in (
                    "All rights reserved.",
                    "Use it by the Creative Commons Attribution-NC 4.0 terms.",
                    "Creative Commons Attribution License (CC BY-NC-ND 4.0), with thanks.",
                    "Creative Commons Attribution 4.0, pas d'utilisation commerciale",
                    "Creative Commons Namensnennung: Creative Commons Attribution 4.0, keine Bearbeitung",
                    "© 2019 Doe. All rights reserved. The metadata are under a Creative Commons CC0 1.0 licence.",
                    "© 2019 Doe. The metadata are under a Creative Commons CC0 1.0 licence.",
                    "This edition is not licensed under Creative Commons Attribution 4.0, as some think.",
                )
            ),
        ],
    )
    def test_a_licence_without_address_is_named_by_its_words(
        self, tmp_path: Path, words: str, licence: str
    ) -> None:
        (document,), _ = read(write(tmp_path, JATS.format(href="", words=words)))
        assert document["license"] == licence

    @pytest.mark.parametrize(
        ("href", "words", "licence"),
        [
            (
                "",
                f"All rights reserved. Figure 2 is under {link(BY)}.",
                "All rights reserved. Figure 2 is under this.",
            ),
            ("", f"Figure 2 is under {link(BY)}.", "Figure 2 is under this."),
            (f'xlink:href="{BY}"', "For non-commercial use.", "For non-commercial use."),
            (f'xlink:href="{NC}"', "For non-commercial use.", NC),
            ("", f"Use it under {link(BY)}. The waiver ({link(ZERO)}) applies to the data in the article.", BY),
            ('xlink:href="https://example.org/terms"', f"Use it under {link(BY)}.", BY),
            (
                f'xlink:href="{BY}"/><license xml:lang="pt"',
                "Todos os direitos reservados.",
                f"{BY}; Todos os direitos reservados.",
            ),
        ],
    )
    def test_an_open_address_frees_no_article_that_the_words_keep_back(
        self, tmp_path: Path, href: str, words: str, licence: str
    ) -> None:
        (document,), _ = read(write(tmp_path, JATS.format(href=href, words=words)))
        assert document["license"] == licence

    def test_abstracts_in_other_languages_and_the_back_matter_are_kept(self, tmp_path: Path) -> None:
        back = (
            "<back><ack><title>Thanks</title><p>To all.</p></ack><sec><title>Data</title><p>Here.</p></sec>"
            "<notes><p>Funded.</p></notes><glossary><def-list><def-item><term>DNA</term><def><p>an acid</p></def>"
            "</def-item></def-list></glossary><fn-group><title>Notes</title><fn><label>1</label><p>First.</p></fn>"
            "<fn><label>2</label><p>Second.</p></fn></fn-group>"
        )
        other = '</abstract><trans-abstract xml:lang="fr"><p>Des arbres.</p></trans-abstract>'
        content = JATS.format(href="", words="Free.").replace("<back>", back).replace("</abstract>", other)
        text = text_of(tmp_path, content)
        assert text.startswith("On Trees\n\nTrees grow.\n\nDes arbres.\n\n1 Growth")
        assert text.endswith(
            "In metres.\n\nThanks\n\nTo all.\n\nData\n\nHere.\n\nFunded.\n\nDNA: an acid\n\nNotes\n\nFirst."
            "\n\nSecond.\n\nOften."
        )

    def test_translations_and_replies_are_documents_with_what_they_leave_out_from_the_article(
        self, tmp_path: Path
    ) -> None:
        others = (
            '<sub-article article-type="translation" xml:lang="pt"><front-stub><title-group><article-title>Árvores'
            "</article-title></title-group></front-stub><body><p>Crescem.</p></body></sub-article>"
            "<response><front-stub><title-group><article-title>A reply</article-title></title-group><permissions>"
            f'<license xlink:href="{BY}"/></permissions></front-stub><body><p>No.</p></body></response></article>'
        )
        article = JATS.format(href="", words="Free.").replace("</article>", others)
        path = write(tmp_path, article)
        documents, _ = read(path)
        columns = ("identifier", "title", "language", "creator", "date", "license", "text")
        whole, translation, reply = ([d.get(column) for column in columns] for d in documents)
        names = "Muster, Ada B.; Tree Group"
        assert whole[:-1] == [str(path), "On Trees", "en", names, "2020-03-05", "Free."]
        told = [f"{path}#s001", "Árvores", "pt", names, "2020-03-05", "Free.", "Árvores\n\nCrescem."]
        assert translation == told
        assert reply == [f"{path}#s002", "A reply", "en", None, "2020-03-05", BY, "A reply\n\nNo."]

        article = article[article.index("<article") :]
        path = write(tmp_path, f"<pmc-articleset>{article}{article}</pmc-articleset>")
        numbers = ["#s001", "#s001.s001", "#s001.s002", "#s002", "#s002.s001", "#s002.s002"]
        assert [d["identifier"].removeprefix(str(path)) for d in read(path)[0]] == numbers


WORDS = st.lists(
    st.text(
        st.characters(
            codec="utf-8",
            exclude_categories=("Cc", "Cs", "Cn", "Zs", "Zl", "Zp"),
            exclude_characters="-‐⸗¬\u00ad∣¦\ufffe\uffff",
        ),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=30,
)


class TestProperties:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["p", "l", "head", "ab"]))
    def test_all_words_of_tei_come_out_once_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, blocks: list[list[str]], name: str
    ) -> None:
        body = "\n".join(f"<{name}>{escape(chr(10).join(words))}</{name}>" for words in blocks)
        text = text_of(tmp_path_factory.getbasetemp(), tei(body))
        assert [w for w in re.split("[ \n]+", text) if w] == [w for words in blocks for w in words]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(WORDS, min_size=1, max_size=6))
    def test_all_words_of_alto_come_out_once_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
    ) -> None:
        content = alto(f"<TextBlock>{''.join(alto_line(*words) for words in lines)}</TextBlock>")
        text = text_of(tmp_path_factory.getbasetemp(), content)
        assert text.replace("\n", " ").removesuffix("  nota").split(" ") == [w for words in lines for w in words]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(WORDS, min_size=1, max_size=6))
    def test_all_words_of_page_come_out_once_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
    ) -> None:
        text = text_of(tmp_path_factory.getbasetemp(), page(region("a", *(" ".join(words) for words in lines))))
        assert text.replace("\n", " ").split(" ") == [w for words in lines for w in words]

    @settings(max_examples=40, deadline=None)
    @given(st.text(max_size=20), st.text(max_size=20))
    def test_a_seam_of_lines_needs_no_care(self, before: str, after: str) -> None:
        hyphen, _ = seam(before, after)
        assert hyphen or before

    @settings(max_examples=40, deadline=None)
    @given(
        st.binary(max_size=200)
        | st.binary(max_size=60).map(lambda b: tei("").encode().replace(b"<body>", b"<body>" + b))
    )
    def test_any_bytes_are_read_or_set_aside(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        path = write(tmp_path_factory.getbasetemp(), content, "any.xml")
        documents, aside = read(path)
        assert len(documents) + len(aside) >= 1


def test_many_breaks_take_no_longer_than_their_number() -> None:
    assert tidy("a-" + " \x02" * 100_000 + "b") == "ab"
    assert tidy(" \x02" * 100_000 + "b") == "b"


def test_a_confidence_that_is_none_is_left_out() -> None:
    table = conform(pa.table({"text": ["a"] * 4, "ocr_confidence": [0.5, 95.0, None, float("nan")]}))
    assert table.column("ocr_confidence").to_pylist() == [0.5, None, None, None]


@pytest.mark.shared
@pytest.mark.skipif(not RAW.is_dir(), reason="the real corpus is not beside the repository")
class TestRealFiles:
    @pytest.mark.parametrize(
        ("start", "columns", "sentences"),
        [
            (
                "ELTeC-fra",
                {
                    "title": "Mon Village",
                    "creator": "Adam, Juliette (1836-1936)",
                    "date": "1860",
                    "language": "fr",
                    "license": "https://creativecommons.org/licenses/by/4.0/",
                    "source_url": "https://fr.wikisource.org/wiki/Mon_village/Texte_entier",
                },
                [
                    "emplis-le. Habile, habile.",
                    "Assuré que je m'illusionne ; mais fût-ce ! il en sera ce qu'il en sera.",
                    "\nJeanneton prend sa faucille\nEt s'en va couper du jonc,\n",
                    "\n\nSe dit pour dépêche-toi.\n\n",
                ],
            ),
            (
                "ELTeC-spa",
                {
                    "title": "El testamento de Don Juan I",
                    "creator": "Arróriz y Bosch, Teresa (1827-1890)",
                    "date": "1855",
                    "license": "https://creativecommons.org/licenses/by/4.0/",
                },
                [
                    "salió por la puerta de Burgos, en Alcalá, una brillante cabalgata",
                    "\n\nCapítulo I\n\nEn donde se encuentra",
                    "celebrarla después con su expansivo entusiasmo.",
                ],
            ),
            (
                "dutchdracor",
                {
                    "title": "Spaensche heydin",
                    "creator": "Verwers Dusart, Catharina",
                    "date": "1644",
                    "license": "https://creativecommons.org/publicdomain/zero/1.0/",
                },
                [
                    "Don I\nVOort, voort, beset het Hart.\n\nHenr\n",
                    "\n\nDON JAN op de Jacht met eenighe Edelen.\n\n",
                    "\nCUPIDO.\nMAIOMBE een oude Heydin.\n",
                ],
            ),
            (
                "fredracor",
                {
                    "title": "L'Impromptu de Garnison.",
                    "creator": "Dancourt",
                    "date": "1692",
                    "license": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
                },
                [
                    "\n\nMARTON.\nQue demandez-vous ici, Monsieur",
                    "\n(Bas à Angélique.)\n",
                ],
            ),
            (
                "canonical-latinLit",
                {"title": "De Regibus", "creator": "Cornelius Nepos", "date": "1886", "language": "lat"},
                ["quod omnium res gestae separatim sunt relatae. neque tamen ii admodum sunt multi."],
            ),
            (
                "csel-dev",
                {
                    "creator": "Orosius, Paulus",
                    "date": "1889",
                    "license": "https://creativecommons.org/licenses/by-sa/4.0/",
                },
                [
                    "Tu tantum, beatissime pater, malignas aliorum plantationes",
                    "COMMONITORIVM OROSII PRESBITERI",
                    "inquam, beate pater, quos castigauit in gladio, emendet in uerbo.",
                ],
            ),
            (
                "A43998",
                {
                    "creator": "Hobbes, Thomas (1588-1679)",
                    "date": "1651",
                    "license": "https://creativecommons.org/publicdomain/zero/1.0/",
                    "language": "eng",
                },
                [
                    "LEVIATHAN called a COMMONWEALTH, or STATE, (in latine CIVITAS) which is but an Artificiall Man;",
                    "\nChap. 1. Of Sense. Page. 3\n",
                    "\nSIR,\nYour most humble",
                ],
            ),
            (
                "gt_structure_text__data_praetorius",
                {"language": "German"},
                [
                    "gewaltiges geſchrey (darzu denn der geweſte Windt",
                    "mus von ſich gegeben haben.\n\nVnd dieſes",
                    "vonnoͤthen gehabt.",
                ],
            ),
            (
                "gt_structure_text__data_basilius",
                {},
                ["de legendis libris ſæcularibus opuſculum", "\n\nPrologus.\n\n"],
            ),
            ("cremma-16-17-print__fra", {}, ["la ſanté tranſlatez par Thomas Linacer", "GVILLAVME BVDE"]),
            (
                "cremma-16-17-print__lat",
                {},
                ["vel DEVS SVPERBIS RESISTIT.\n", "Demens, qui nimbos, & non imitabile fulmen\nAeris ponte"],
            ),
            (
                "allofplos",
                {
                    "creator": "Sørensen, Thorkild I.A; Rissanen, Aila; Korkeila, Maarit; Kaprio, Jaakko",
                    "date": "2005-06-28",
                    "license": "Creative Commons Attribution",
                    "source_url": "https://doi.org/10.1371/journal.pmed.0020171",
                },
                [
                    "These observations have emerged from several studies of the general population as well as from planned intervention studies.",
                    "body mass index ≥ 25 kg/m² in 1975",
                ],
            ),
        ],
    )
    def test_a_real_file_reads_as_a_librarian_would_have_it(
        self, start: str, columns: dict[str, str], sentences: list[str]
    ) -> None:
        (path,) = RAW.glob(f"{start}*.xml")
        (document,), aside = read(path)
        assert aside == []
        assert {k: v for k, v in document.items() if k in columns} == columns
        for sentence in sentences:
            assert sentence in document["text"]
        assert not re.search("  |\n\n\n| \n|[\x01-\x05]", document["text"])

    def test_of_early_prints_page_numbers_and_catchwords_are_gone(self) -> None:
        (path,) = RAW.glob("gt_structure_text__data_praetorius*.xml")
        text = read(path)[0][0]["text"]
        assert "ORGANOGRAPHIA" not in text
        assert not text.endswith("bus")
