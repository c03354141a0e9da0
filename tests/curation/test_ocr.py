"""The OCR score reads as the share of characters that are right, in old spelling too."""

from __future__ import annotations

import io
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.curation import ocr, spelling

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"
on_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")

MODERN = {
    "de": "Am Morgen öffnete der alte Drucker das Fenster und sah über die Dächer der Stadt. Der Regen hatte "
    "aufgehört, und auf dem Markt bauten die Händler ihre Stände wieder auf. Seine Tochter brachte ihm Kaffee und "
    "die Briefe, die am Abend vorher gekommen waren. Er las sie langsam und legte jeden, den er gelesen hatte, auf "
    "einen Stapel neben der Presse.",
    "en": "In the morning the old printer opened the window and looked across the roofs of the town. The rain had "
    "stopped, and in the market the traders were putting up their stalls again. His daughter brought him coffee "
    "and the letters which had come the evening before. He read them slowly and laid each one that he had finished "
    "upon a pile beside the press.",
    "es": "Por la mañana el viejo impresor abrió la ventana y miró los tejados de la ciudad. La lluvia había cesado, "
    "y en el mercado los vendedores levantaban otra vez sus puestos. Su hija le trajo el café y las cartas que "
    "habían llegado la noche anterior. Las leyó despacio y dejó cada una, cuando la había terminado, en un montón "
    "junto a la prensa.",
    "fr": "Le matin, le vieil imprimeur ouvrit la fenêtre et regarda les toits de la ville. La pluie avait cessé, et "
    "sur la place les marchands dressaient de nouveau leurs tables. Sa fille lui apporta le café et les lettres qui "
    "étaient arrivées la veille au soir. Il les lut lentement et posa chacune, quand il l'avait finie, sur une pile "
    "à côté de la presse.",
    "it": "La mattina il vecchio stampatore aprì la finestra e guardò i tetti della città. La pioggia era cessata, e "
    "sul mercato i venditori rimettevano in piedi i loro banchi. La figlia gli portò il caffè e le lettere che "
    "erano arrivate la sera prima. Le lesse lentamente e posò ciascuna, quando l'aveva finita, sopra una pila "
    "accanto al torchio.",
    "la": "Mane senex ille qui libros faciebat fenestram aperuit et tecta urbis aspexit. Imber iam desierat, et in foro "
    "mercatores tabernas suas iterum erigebant. Filia ei panem et epistulas attulit quae vespere pridie venerant. "
    "Quas cum lente legisset, singulas iuxta prelum in acervo posuit, neque quisquam eum interrogare audebat quid "
    "amicus scripsisset.",
    "nl": "In de ochtend opende de oude drukker het raam en keek uit over de daken van de stad. De regen was "
    "opgehouden, en op de markt zetten de kooplieden hun kramen weer op. Zijn dochter bracht hem koffie en de "
    "brieven die de avond tevoren waren gekomen. Hij las ze langzaam en legde elke brief die hij gelezen had op een "
    "stapel naast de pers.",
    "pt": "De manhã o velho impressor abriu a janela e olhou os telhados da cidade. A chuva tinha parado, e no mercado "
    "os vendedores levantavam outra vez as suas bancas. A filha trouxe-lhe o café e as cartas que tinham chegado na "
    "noite anterior. Ele leu-as devagar e pousou cada uma, quando a tinha acabado, sobre um monte ao lado da "
    "prensa.",
}

OLD = {
    "de": "Es iſt aber gewiß / daß der alte Buchdrucker nit allein ſeine Kunſt verſtund / ſondern auch mit groſſem "
    "Fleiß vnnd Gedult alle Bücher / ſo jhm gebracht wurden / durchſahe. Darumb hat er auch bey den Leuten viel "
    "Lob erlanget / vnd iſt jederman zu jhm kommen / der etwas nutzliches wolte drucken laſſen.",
    "en": "It is reported that the olde Printer did not onely vnderſtand his Arte, but alſo with great diligence and "
    "patience peruſed all the Bookes which were brought vnto him. Wherefore hee had much praiſe of the people, and "
    "euery man came vnto him that would haue any profitable thing ſet foorth in print, and payd him honeſtly.",
    "es": "Dizen que el viejo impreſſor no ſolamente entendia ſu arte, ſino que tambien con mucha diligencia y "
    "paciencia leya todos los libros que le trayan. Por lo qual fue muy alabado de la gente, y todos los que querian "
    "hazer imprimir alguna coſa prouechoſa venian a ſu caſa, y le pagauan lo que era juſto.",
    "fr": "On dit que le vieil Imprimeur n'entendoit pas ſeulement ſon art, mais qu'auſſi auec grande diligence & "
    "patience il liſoit tous les liures qu'on luy apportoit. Parquoy il eſtoit fort loüé du peuple, & tous ceux qui "
    "vouloient faire imprimer quelque choſe de profitable venoient chez luy, & le payoient honneſtement.",
    "it": "Si dice che il vecchio ſtampatore non ſolamente intendeua l'arte ſua, ma che ancora con molta diligenza & "
    "patienza leggeua tutti i libri che gli erano portati. Per la qual coſa fù molto lodato da gli huomini, & "
    "ciaſcuno che voleua far ſtampare qualche coſa vtile veniua à lui, & lo pagaua honeſtamente.",
    "la": "Dicitur autem ſenex ille typographus non ſolùm artem ſuam intellexiſſe, ſed etiam cum magna diligentia & "
    "patientia libros omnes, qui ad eum ferebantur, perlegiſſe. Quamobrem ab hominibus maximè laudatus eſt, & quicũque "
    "aliquid vtile imprimi volebat, ad eum veniebat, eíque mercedem iuſtam ſoluebat, vt æquum erat.",
    "nl": "Men ſeght dat den ouden Drucker niet alleen ſijn konſte en verſtont, maer oock met grooten vlijt ende "
    "verduldicheyt alle de boecken las die hem ghebracht wierden. Daerom was hy van den volcke ſeer ghepreſen, ende "
    "een yeghelijck die wat nuttighs wilde laten drucken quam tot hem, ende betaelde hem eerlijck.",
    "pt": "Dizem que o velho impreſſor naõ ſómente entendia a ſua arte, mas que tambem com muita diligencia, & "
    "paciencia lia todos os livros que lhe traziaõ. Pelo que foy muy louvado da gente, & todos os que queriaõ mandar "
    "imprimir alguma couſa proveitoſa vinhaõ a ſua caſa, & lhe pagavaõ o que era juſto.",
}

LOOKALIKES = {"e": "co", "c": "e", "n": "u", "u": "n", "h": "b", "b": "h", "i": "l1", "l": "i", "t": "f", "f": "t",
              "s": "f", "ſ": "f", "a": "o", "o": "e0", "m": "n", "r": "t", "d": "b", "v": "y"}  # fmt: skip


def damaged(text: str, rate: float, seed: int) -> str:
    """A text with a share of its characters read wrongly: as others, not at all, or as two."""
    chance = random.Random(seed)

    def read(sign: str) -> str:
        if chance.random() >= rate:
            return sign
        kind = chance.random()
        if kind < 0.7:
            return chance.choice(LOOKALIKES.get(sign.lower(), "ijlftrvxnuomeaSD.,;^"))
        return "" if kind < 0.85 else sign + chance.choice("ijltrnu.,'- ")

    return "".join(read(sign) for sign in text)


def scores(texts: list[str], language: str) -> list[float | None]:
    found: list[float | None] = ocr.score(pa.array(texts), pa.array([language] * len(texts))).to_pylist()
    return found


def mean_error(passages: dict[str, str], rate: float, language: str) -> float:
    found = scores([damaged(passages[language], rate, seed) for seed in range(12)], language)
    return 1 - float(np.mean([s for s in found if s is not None]))


@pytest.mark.parametrize("language", ocr.LANGUAGES)
def test_a_clean_modern_passage_scores_nearly_one(language: str) -> None:
    [found] = scores([MODERN[language]], language)
    assert found is not None
    assert found > 0.97


@pytest.mark.parametrize("language", ocr.LANGUAGES)
def test_a_clean_passage_in_old_spelling_would_be_kept(language: str) -> None:
    [found] = scores([OLD[language]], language)
    assert found is not None
    assert found > 0.94


@pytest.mark.parametrize("language", ocr.LANGUAGES)
@pytest.mark.parametrize("passages", [MODERN, OLD], ids=["modern", "old"])
def test_the_score_falls_with_the_character_error(passages: dict[str, str], language: str) -> None:
    errors = [mean_error(passages, rate, language) for rate in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)]
    assert errors == sorted(errors)
    assert len(set(errors)) == len(errors)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_over_all_languages_the_score_is_near_one_less_the_character_error(rate: float) -> None:
    error = np.mean([mean_error(passages, rate, ln) for passages in (MODERN, OLD) for ln in ocr.LANGUAGES])
    assert rate / 2 <= error <= max(1.6 * rate, rate + 0.03)


def test_a_text_of_few_words_or_in_another_language_has_no_score() -> None:
    found = ocr.score(pa.array(["Kurz.", MODERN["de"], "", None]), pa.array(["de", "sv", "de", "de"]))
    assert found.type == pa.float64()
    assert found.to_pylist() == [None, None, None, None]
    assert ocr.score(pa.array([], pa.string()), pa.array([], pa.string())).to_pylist() == []


def test_a_text_without_language_has_no_score() -> None:
    assert ocr.score(pa.array([MODERN["de"]]), pa.array([None], pa.string())).to_pylist() == [None]


def test_what_is_mostly_code_has_no_score_and_code_in_prose_costs_nothing() -> None:
    command = "`xq -rf ./zxq --nrm=kqz {{pth/to/fl}}`\n"
    assert scores([command * 30], "en") == [None]
    [with_code, without] = scores([MODERN["en"] + "\n\n" + command * 2, MODERN["en"]], "en")
    assert with_code == pytest.approx(without, abs=0.005)


def test_verse_set_in_from_the_margin_is_no_code() -> None:
    verse = "\n".join("    " + line for line in MODERN["en"].replace(". ", ";\n").replace(", ", ";\n").split("\n"))
    assert scores([verse], "en") == pytest.approx(scores([MODERN["en"]], "en"), abs=0.01)


def test_a_latin_chapter_in_a_german_book_is_judged_as_latin() -> None:
    [found] = scores([OLD["la"]], "de")
    assert found is not None
    assert found > 0.92


def test_a_texts_score_does_not_depend_on_the_batch_around_it() -> None:
    texts = [*MODERN.values(), *OLD.values(), damaged(MODERN["nl"], 0.2, 1)]
    languages = [*MODERN, *OLD, "nl"]
    together = ocr.score(pa.array(texts), pa.array(languages)).to_pylist()
    alone = [
        ocr.score(pa.array([t]), pa.array([ln])).to_pylist()[0] for t, ln in zip(texts, languages, strict=True)
    ]
    assert together == alone


def test_words_broken_at_the_end_of_a_line_are_joined() -> None:
    broken = MODERN["de"].replace("geöffnet", "geöff-\nnet").replace("Händler", "Händ⸗\nler")
    assert scores([broken], "de") == pytest.approx(scores([MODERN["de"]], "de"))


def test_old_and_new_spelling_meet_in_one_normal_form() -> None:
    for language, old, new in [
        ("de", "vnnd Thür ſeyn Statt Aepfel", "und Tür sein Stadt Äpfel"),
        ("en", "vpon haue iudge", "upon have judge"),
        ("es", "vuo dexar impreſſor hazer", "uvo dejar impresor hacer"),
        ("fr", "auoit eſté loy dict", "avait été loi dit"),
        ("it", "vtile gratia philoſopho", "utile grazia filosofo"),
        ("la", "æquus caelum uirtus racio", "aequus cælum virtus ratio"),
        ("nl", "maer oock ſy vvas ghy", "maar ook zij was gij"),
        ("pt", "caza fructo ſuave ella", "casa fruto suave ela"),
    ]:
        assert len(old.split()) == len(new.split())
        for before, after in zip(old.split(), new.split(), strict=True):
            forms = [
                spelling.normal_form(spelling.code_points(word), language).codes.tolist()
                for word in (before, after)
            ]
            assert forms[0] == forms[1], (language, before, after)


def test_of_a_long_text_passages_from_all_over_are_judged() -> None:
    clean = MODERN["en"] + "\n"
    long = clean * 60
    half = clean * 30 + "".join(damaged(clean, 0.3, seed) for seed in range(30))
    [all_clean, half_clean] = scores([long, half], "en")
    assert all_clean is not None
    assert half_clean is not None
    assert all_clean > 0.97
    assert 0.75 < half_clean < 0.92


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=300), st.sampled_from([*ocr.LANGUAGES, "und"])), max_size=6))
def test_any_text_has_a_score_between_0_and_1_or_none(rows: list[tuple[str, str]]) -> None:
    texts = [(text + " ") * 12 for text, _ in rows]
    found = ocr.score(pa.array(texts, pa.string()), pa.array([lang for _, lang in rows], pa.string()))
    assert len(found) == len(rows)
    assert all(s is None or 0 <= s <= 1 for s in found.to_pylist())


@cache
def real_pairs() -> list[dict[str, Any]]:
    with (SHARED / "tasks" / "ocr" / "ocr.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in lines]


def spearman(first: list[float], second: list[float]) -> float:
    def ranks(values: list[float]) -> Any:
        _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[where]

    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


@pytest.mark.shared
@on_shared
def test_on_real_pairs_the_score_follows_the_character_error_rate() -> None:
    pairs = real_pairs()
    found = ocr.score(pa.array([p["ocr"] for p in pairs]), pa.array([p["lang"] for p in pairs])).to_pylist()
    scored = [(s, p["cer"]) for s, p in zip(found, pairs, strict=True) if s is not None]
    assert len(scored) > 0.95 * len(pairs)
    assert spearman([s for s, _ in scored], [cer for _, cer in scored]) <= -0.7


@pytest.mark.shared
@on_shared
@pytest.mark.parametrize("language", ["de", "en", "fr", "la", "nl"])
def test_on_real_pairs_of_a_language_the_score_is_neither_too_high_nor_too_low(language: str) -> None:
    pairs = [pair for pair in real_pairs() if pair["lang"] == language]
    found = scores([pair["ocr"] for pair in pairs], language)
    over = [1 - s - pair["cer"] for s, pair in zip(found, pairs, strict=True) if s is not None]
    assert abs(float(np.median(over))) < 0.02


@pytest.mark.shared
@on_shared
@pytest.mark.parametrize("language", ocr.LANGUAGES)
def test_of_clean_works_almost_nothing_falls_under_the_threshold_of_removal(language: str) -> None:
    table = pq.read_table(SHARED / "train" / f"train-{language}.parquet", columns=["text", "lang"])
    texts = table.column("text").combine_chunks()
    found = ocr.score(texts, table.column("lang").combine_chunks()).to_pylist()
    sizes = [len(t.as_py()) for t in texts]
    removed = sum(size for size, s in zip(sizes, found, strict=True) if s is not None and s < 0.75)
    assert removed < 0.003 * sum(sizes)
