from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.locations import expand
from octavo.curation.language import (
    PASSAGE_CHARACTERS,
    PASSAGES,
    UNDETERMINED,
    VERDICT,
    identify,
    mixed,
    passages,
    sample,
)
from octavo.recipe.schema import LANGUAGE_NAMES

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"
on_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")

SENTENCES = {
    "en": "The old keeper of the light climbed the stair each evening and set the lamp burning for the boats.",
    "fr": "Le vieux gardien du phare montait chaque soir l'escalier et allumait la lampe pour les bateaux.",
    "es": "El viejo guardián del faro subía cada tarde la escalera y encendía la lámpara para los barcos.",
    "de": "Der alte Wärter des Leuchtturms stieg jeden Abend die Treppe hinauf und zündete das Licht an.",
    "it": "Il vecchio guardiano del faro saliva ogni sera le scale e accendeva la lampada per le barche.",
    "nl": "De oude wachter van de vuurtoren klom elke avond de trap op en stak de lamp aan voor de boten.",
    "la": "Custos senex luminis cotidie vesperi scalas ascendebat et lucernam navibus accendebat.",
    "pt": "O velho guardião do farol subia todas as noites a escada e acendia a lâmpada para os barcos.",
}

EARLY = {
    "de": "Jch hab auch offt geſehen / daß vil leut / ſo ſich fuͤr gelert außgaben / nit wuſten was ſie redten / vnd doch "
    "wolten ſie yederman leren. Darumb iſt mein rath / das ein yeglicher zuuor bey jm ſelbs anfahe / vnd ſein aygen "
    "hauß keere / ehe dann er auff die gaſſen hinauß lauffe / vnd den nachbarn jr vnſauberkeyt fuͤrwerffe.",
    "en": "I haue ofte ſene that many men whiche toke vpon them to be lerned vnderſtode not what they ſayde, & yet wolde "
    "they teche euery man. Therfore my counſeyle is that eche man begynne fyrſt with hym ſelfe, and ſwepe his owne "
    "houſe, before he goo forth in to the ſtrete to rebuke his neyghbours for theyr vnclenneſſe.",
    "fr": "I'ay ſouuent veu que pluſieurs, leſquelz ſe diſoient ſçauans, ne ſçauoient ce qu'ilz diſoient, & toutesfois ilz "
    "vouloient enſeigner vn chaſcun. Parquoy mon aduis eſt que chaſcun commence par ſoy meſmes, & nettoye ſa propre "
    "maiſon, auant que d'aller en la ruë reprocher à ſes voiſins leur ordure.",
    "la": "Sæpe vidi multos, qui ſe doctos eſſe profitebantur, quid loquerentur neſciuiſſe, & tamen omnes docere voluiſſe. "
    "Quare hoc ego cenſeo, vt quiſq; à ſe ipſo incipiat, ſuamq; domum prius verrat, quàm in plateam exeat, vicinisq; "
    "ſuis immunditiem obijciat: nam qui aliena curat, ſua ferè negligit.",
    "nl": "Ick heb dickwils ghesien dat vele lieden, die haer voor gheleert uyt gaven, niet en wisten wat sy seyden, ende "
    "nochtans wilden sy yeghelijck leeren. Daerom is mijn raet dat een yeder eerst by hem selven beghinne, ende sijn "
    "eyghen huys veghe, eer hy op de straet loopt, ende den ghebueren haer vuyligheyt verwijt.",
}
"""Written for this test in the spelling of the sixteenth and seventeenth centuries: ſ, u for v and i for j."""


def found(*texts: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = identify(pa.array(texts, pa.large_string())).to_pylist()
    return rows


def languages(*texts: str | None) -> list[str]:
    return [row["lang"] for row in found(*texts)]


def shares(text: str) -> dict[str, float]:
    return {language["lang"]: language["share"] for language in found(text)[0]["languages"]}


@pytest.fixture(scope="module")
def pages() -> dict[str, list[str]]:
    """The texts of the starter corpus by language."""
    (location,), _ = expand("builtin:starter")
    by_language: dict[str, list[str]] = {}
    for row in pq.read_table(location.path).to_pylist():
        if "fault" not in row["collection"]:
            by_language.setdefault(row["identifier"].split("/")[1], []).append(row["text"])
    return by_language


def text_in(pages: dict[str, list[str]], lang: str, characters: int) -> str:
    text = "\n\n".join(pages[lang])
    assert len(text) >= characters
    return text[:characters]


@pytest.mark.parametrize("lang", SENTENCES)
def test_a_sentence_is_enough(lang: str) -> None:
    assert languages(SENTENCES[lang]) == [lang]


def test_a_page_of_each_language_of_the_starter_corpus_is_told_and_is_not_mixed(
    pages: dict[str, list[str]],
) -> None:
    for lang, texts in pages.items():
        verdicts = identify(pa.array(texts, pa.large_string()))
        assert set(verdicts.field("lang").to_pylist()) == {lang}
        assert not any(mixed(verdicts.field("languages"), 0.1).to_pylist())


@pytest.mark.parametrize("lang", EARLY)
def test_early_modern_spelling_is_told_and_is_not_mixed(lang: str) -> None:
    assert shares(EARLY[lang]) == {lang: 1.0}


@pytest.mark.parametrize("lang", ["de", "en", "fr", "la", "nl"])
def test_noise_of_recognition_does_not_mislead(pages: dict[str, list[str]], lang: str) -> None:
    """Every twentieth letter is a wrong one, as in a bad scan."""
    noisy = "".join(
        "cflitrn1"[n // 20 % 8] if n % 20 == 7 and c.isalpha() else c
        for n, c in enumerate(text_in(pages, lang, 4000))
    )
    assert shares(noisy) == {lang: 1.0}


def test_a_language_out_of_the_eight_is_called_by_its_name() -> None:
    assert languages(
        "Den gamle fyrvaktaren gick uppför trappan varje kväll och tände lampan för båtarna ute på havet, "
        "och när stormen kom satt han uppe hela natten och lyssnade på vinden som slog mot fönstren.",
        "שומר המגדלור הזקן עלה במדרגות בכל ערב והדליק את המנורה לסירות שבים, וכשבאה הסערה ישב ער כל הלילה.",
    ) == ["sv", "he"]


@pytest.mark.parametrize("text", ["", None, " \n\t", "1789", "— … !", "\x00\x01", "`x`"])
def test_a_text_without_letters_has_no_language(text: str | None) -> None:
    alone = [{"lang": UNDETERMINED, "share": 1.0}]
    assert found(text) == [{"lang": UNDETERMINED, "confidence": 0.0, "languages": alone}]


def test_control_characters_are_no_obstacle() -> None:
    assert languages("\x00\x0c".join(SENTENCES["fr"].split(" ")) + "\ufffe\U0010ffff") == ["fr"]


def test_code_tags_and_addresses_are_in_no_language() -> None:
    page = "\n".join(
        f"- {says}:\n\n`show the current state of the service and wait for {n} seconds`\n\n"
        f"<the name of the file> https://example.org/the/manual/of/this/command/{n}\n"
        for n, says in enumerate(
            (
                "Mostra lo stato del servizio e attendi qualche secondo",
                "Arresta il servizio e tutti quelli che ne dipendono",
                "Scrivi il registro in un file della cartella corrente",
                "Elenca i servizi che non sono partiti all'avvio",
            )
        )
    )
    assert shares(page) == {"it": 1.0}


@pytest.mark.parametrize(
    ("first", "second"), [("en", "nl"), ("la", "de"), ("es", "pt"), ("fr", "it"), ("de", "fr")]
)
def test_a_document_in_two_languages_has_both_with_their_shares(
    pages: dict[str, list[str]], first: str, second: str
) -> None:
    halves = shares(text_in(pages, first, 6000) + "\n\n" + text_in(pages, second, 3000))
    assert list(halves) == [first, second]
    assert halves[second] == pytest.approx(1 / 3, abs=0.1)
    assert sum(halves.values()) == pytest.approx(1)


@pytest.mark.parametrize(("first", "second"), [("la", "en"), ("es", "pt"), ("de", "nl")])
def test_paragraph_by_paragraph_is_found_too(pages: dict[str, list[str]], first: str, second: str) -> None:
    left, right = text_in(pages, first, 12_000), text_in(pages, second, 12_000)
    both = shares("\n\n".join(t[at : at + 500] for at in range(0, 12_000, 500) for t in (left, right)))
    assert both == {first: pytest.approx(0.5, abs=0.15), second: pytest.approx(0.5, abs=0.15)}


def test_a_quotation_is_seen_and_does_not_make_a_document_mixed(pages: dict[str, list[str]]) -> None:
    english, latin = text_in(pages, "en", 4000), text_in(pages, "la", 200)
    verdict = identify(pa.array([f"{english[:2000]}\n\n{latin}\n\n{english[2000:]}"], pa.large_string()))
    main, quoted = verdict.field("languages").to_pylist()[0]
    assert (main["lang"], quoted["lang"]) == ("en", "la")
    assert 0.02 < quoted["share"] < 0.08
    assert mixed(verdict.field("languages"), 0.1).to_pylist() == [False]
    assert mixed(verdict.field("languages"), 0.02).to_pylist() == [True]


def test_symbols_of_formulas_are_no_greek(pages: dict[str, list[str]]) -> None:
    spanish = text_in(pages, "es", 3000)
    formulas = " ω = ΔθΔt, α = 2π·λ, τ = θ + φ, ε0 = μ0π;\n"
    assert shares(formulas.join(spanish[at : at + 300] for at in range(0, 3000, 300))) == {"es": 1.0}


def test_which_are_mixed_is_told_of_each() -> None:
    languages = pa.array(
        [
            [{"lang": "en", "share": 0.9}, {"lang": "la", "share": 0.1}],
            [{"lang": "en", "share": 0.91}, {"lang": "la", "share": 0.09}],
            [{"lang": "und", "share": 1.0}],
        ],
        VERDICT.field("languages").type,
    )
    assert mixed(languages, 0.1).to_pylist() == [True, False, False]
    assert mixed(languages, 0).to_pylist() == [True, True, False]


def test_passages_lie_where_the_languages_change(pages: dict[str, list[str]]) -> None:
    text = text_in(pages, "en", 3000) + "\n\n" + text_in(pages, "nl", 2000) + "\n\n" + text_in(pages, "en", 1000)
    first, second, third = passages(text)
    assert (first.lang, second.lang, third.lang) == ("en", "nl", "en")
    assert first.end == pytest.approx(3000, abs=100)
    assert second.end == pytest.approx(5000, abs=100)


def test_the_sample_of_a_long_text_is_spread_from_its_beginning_to_its_end() -> None:
    text = "".join(f"{at:08}" for at in range(0, 1_000_000, 8))
    taken = sample(text)
    assert [len(passage) for passage in taken] == [PASSAGE_CHARACTERS] * PASSAGES
    starts = [text.index(passage) for passage in taken]
    assert (starts[0], starts[-1]) == (0, len(text) - PASSAGE_CHARACTERS)
    distance = starts[-1] // (PASSAGES - 1)
    assert all(distance <= later - start <= distance + 1 for start, later in pairwise(starts))


@pytest.mark.parametrize(
    "characters", [0, 1, PASSAGE_CHARACTERS, PASSAGE_CHARACTERS + 1, PASSAGES * PASSAGE_CHARACTERS]
)
def test_a_short_text_is_read_whole(characters: int) -> None:
    text = "".join(chr(0x61 + at % 26) for at in range(characters))
    taken = sample(text)
    assert "".join(taken) == text
    assert all(len(passage) <= PASSAGE_CHARACTERS for passage in taken)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300) | st.none(), max_size=4))
def test_any_text_has_one_verdict_with_a_confidence_between_0_and_1(texts: list[str | None]) -> None:
    verdicts = identify(pa.array(texts, pa.large_string()))
    assert verdicts.type == VERDICT
    assert len(verdicts) == len(texts)
    for verdict in verdicts.to_pylist():
        assert 0 <= verdict["confidence"] <= 1
        assert verdict["lang"] == verdict["languages"][0]["lang"]
        assert sum(language["share"] for language in verdict["languages"]) == pytest.approx(1)


@given(
    st.lists(
        st.sampled_from([*SENTENCES.values(), *EARLY.values(), "\x00", " \n", "ſ—1 ", "😀"]) | st.text(),
        max_size=12,
    )
)
def test_the_passages_of_any_text_follow_each_other_from_its_beginning_to_its_end(parts: list[str]) -> None:
    text = "".join(parts)
    pieces = passages(text)
    assert [piece.start for piece in pieces[:1]] == [0][: len(text)]
    assert all(one.end == other.start and one.lang != other.lang for one, other in pairwise(pieces))
    assert all(piece.start < piece.end for piece in pieces)
    assert (pieces[-1].end if pieces else 0) == len(text)


@pytest.mark.shared
@on_shared
def test_of_the_open_texts_the_labelled_language_is_found_and_few_are_mixed() -> None:
    documents = right = are_mixed = 0
    for part in sorted((SHARED / "train").glob("*.parquet")):
        table = pq.read_table(part, columns=["text", "lang"])
        verdicts = identify(table.column("text").combine_chunks())
        documents += len(table)
        right += sum(
            a == b for a, b in zip(verdicts.field("lang").to_pylist(), table["lang"].to_pylist(), strict=True)
        )
        are_mixed += sum(mixed(verdicts.field("languages"), 0.1).to_pylist())
    print(f"{right} of {documents} as labelled, {are_mixed} mixed")
    assert right > 0.999 * documents
    assert are_mixed < 0.01 * documents


@pytest.mark.shared
@on_shared
def test_of_the_dirty_texts_those_in_two_languages_are_mixed_and_swapped_labels_do_not_mislead() -> None:
    codes = {name: code for code, name in LANGUAGE_NAMES.items()}
    cases = pq.read_table(SHARED / "dirty/dirty.parquet", columns=["text", "issue", "expected"]).to_pylist()
    rows = found(*(case["text"] for case in cases))
    seen = {"en/nl": 0, "mixed en/nl": 0, "mixed en/la": 0, "clean mixed": 0}
    for case, row in zip(cases, rows, strict=True):
        second = row["languages"][1] if len(row["languages"]) > 1 else {"lang": "", "share": 0}
        both, is_mixed = {row["lang"], second["lang"]}, second["share"] >= 0.1
        if case["expected"].startswith("detect as mixed en/nl"):
            seen["en/nl"] += both == {"en", "nl"}
            seen["mixed en/nl"] += is_mixed
        elif "begins with an English introduction" in case["expected"]:
            seen["mixed en/la"] += is_mixed and both == {"en", "la"}
        elif case["expected"].startswith("relabel to ") and "derived" in case["expected"]:
            assert row["lang"] == codes[case["expected"].split()[2]]
            assert not is_mixed
        elif case["issue"] == "clean_control":
            seen["clean mixed"] += is_mixed
    # Of the 16 treaties seven are cut off before the Dutch text begins, one of them with a title too short to see.
    assert seen == {"en/nl": 15, "mixed en/nl": 9, "mixed en/la": 3, "clean mixed": 0}


@pytest.mark.shared
@on_shared
def test_texts_beside_their_translation_are_mixed() -> None:
    with pa.input_stream(SHARED / "tasks/translation/translation.jsonl.zst", compression="zstd") as file:
        pairs = [json.loads(line) for line in file.read().decode().splitlines()]
    pairs = [pair for pair in pairs if min(len(pair["src"]), len(pair["tgt"])) >= 200]
    documents = [pairs[at : at + 6] for at in range(0, len(pairs) - 6, 6)]
    documents = [d for d in documents if len({(pair["src_lang"], pair["tgt_lang"]) for pair in d}) == 1]
    rows = found(*("\n\n".join(f"{pair['src']}\n\n{pair['tgt']}" for pair in d) for d in documents))
    both = [
        {language["lang"] for language in row["languages"] if language["share"] >= 0.1}
        == {d[0]["src_lang"], d[0]["tgt_lang"]}
        for d, row in zip(documents, rows, strict=True)
    ]
    print(f"{sum(both)} of {len(both)}")
    assert sum(both) > 0.98 * len(both)
