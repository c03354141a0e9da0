import json

import numpy as np
import pytest

from octavo.evaluation.adherence import (
    LENGTHS,
    OWN,
    TEMPERATURES,
    UNDECIDED,
    counted,
    detect,
    measure_adherence,
    read_switches,
)
from octavo.evaluation.intervals import share
from octavo.evaluation.openings import Document
from octavo.progress import Progress
from octavo.recipe.schema import LANGUAGES
from tests.evaluation.writers import Scripted, untrained

SAMPLES = {
    "en": "The old woman walked slowly to the market, where she bought bread and a little cheese for the children.",
    "fr": "La vieille femme allait lentement au marché, où elle achetait du pain et un peu de fromage pour les enfants.",
    "es": "La anciana caminaba despacio hacia el mercado, donde compraba pan y un poco de queso para los niños.",
    "de": "Die alte Frau ging langsam zum Markt, wo sie Brot und ein wenig Käse für die Kinder kaufte.",
    "it": "La vecchia signora andava lentamente al mercato, dove comprava il pane e un poco di formaggio per i bambini.",
    "nl": "De oude vrouw liep langzaam naar de markt, waar zij brood en een beetje kaas voor de kinderen kocht.",
    "la": "Anus lente ad forum ibat, ubi panem et paulum casei pueris emebat, deinde domum cum filia rediit.",
    "pt": "A velha senhora caminhava devagar para o mercado, onde comprava pão e um pouco de queijo para as crianças.",
}
OLD = {
    "en": "And when he was come thither, the kinge ſaid vnto him, wherefore haſt thou forſaken thy fathers houſe and thine owne people?",
    "fr": "Le Roy eſtoit alors en ſa maiſon auec ſes gens, & n'auoit pas encore ouy ce que les meſſagers luy apportoient de la ville.",
    "de": "Vnd als er dahin kam, ſprach der König zu jhm, warumb haſtu deines Vatters Hauß verlaſſen vnd dein eigen Volck?",
    "la": "Cùm verò illuc veniſſet, rex ei dixit, quare domum patris tui reliquiſti, & populum tuum, qui te ſemper amauit?",
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_detectors_know_the_eight_languages(lang):
    assert detect(SAMPLES[lang]) == lang


@pytest.mark.parametrize("lang", OLD)
def test_old_spelling_is_no_other_language(lang):
    assert detect(OLD[lang]) == lang


def test_what_is_short_or_mixed_or_no_language_is_undecided():
    assert detect("") == UNDECIDED
    assert detect("Ja, das ist") == UNDECIDED
    assert detect("1234 5678 " * 20) == UNDECIDED
    assert detect("xqz wvk jjq pfk zzt qwx " * 4 + "\x00\x01") == UNDECIDED
    assert detect("`git commit` <https://a.b/c> `ls`" * 9) == UNDECIDED


def test_what_is_undecided_counts_for_neither_and_lowers_the_lower_share():
    found = counted(["kept"] * 6 + ["left"] * 2 + ["undecided"] * 4)
    assert (found["n"], found["kept"], found["left"], found["undecided"]) == (12, 6, 2, 4)
    assert found["share"]["share"] == 0.75
    assert found["kept_of_all"]["share"] == 0.5
    assert found["share"]["low"] < 0.75 < found["share"]["high"]
    assert counted(["undecided"])["share"] is None
    wilson = share(np.array([[True]] * 6 + [[False]] * 2))
    assert found["share"]["low"] == pytest.approx(wilson.low, abs=1e-4)


def test_the_prompts_in_two_languages_say_what_is_expected_and_why():
    switches = read_switches()
    assert len(switches) == 24
    assert len({s.text for s in switches}) == 24
    for switch in switches:
        assert {switch.lang, switch.second} <= set(LANGUAGES)
        assert switch.expected == {"closed": switch.lang, "open": switch.second}[switch.kind]
        assert switch.why


def documents():
    return [
        Document(f"{lang}{n}", f"{lang}{n}", lang, f"{n} {SAMPLES[lang]} " * 3 + "The end.")
        for lang in ("en", "de")
        for n in range(3)
    ]


def rows(found, **wanted):
    return [row for row in found["adherence"] if all(row[k] == v for k, v in wanted.items())]


def test_a_model_that_keeps_to_english_fails_on_german():
    speaker = Scripted(lambda prompt, decoding: SAMPLES["en"])
    found = measure_adherence(speaker, documents(), ["en", "de"], 1, 3, 100, Progress())
    kinds = ["sentence", *(f"{n} tokens" for n in LENGTHS), OWN]
    for kind in kinds:
        [english] = rows(found, lang="en", prompts=kind, temperature=0.0)
        [german] = rows(found, lang="de", prompts=kind, temperature=0.0)
        [both] = rows(found, lang="all", prompts=kind, temperature=0.0)
        assert (english["n"], english["share"]["share"]) == (3, 1.0)
        assert (german["n"], german["left"], german["share"]["share"]) == (3, 3, 0.0)
        assert (both["n"], both["share"]["share"]) == (6, 0.5)
    [truth] = rows(found, lang="all", prompts="32 tokens", temperature=None)
    assert (truth["n"], truth["kept"]) == (6, 6)
    assert not rows(found, prompts=OWN, temperature=None)
    for temperature in TEMPERATURES:
        assert rows(found, lang="de", prompts="32 tokens", temperature=temperature)
    assert all(c["found"] == "en" for c in found["continuations"] if c["temperature"] is not None)


def test_after_a_quotation_the_language_of_the_sentence_is_expected():
    found = measure_adherence(
        Scripted(lambda prompt, decoding: SAMPLES["de"]), [], ["en", "de"], 1, 2, 100, Progress()
    )
    closed, opened = found["code_switching"][:2]
    assert {(s["id"], s["expected"]) for s in found["switched"]} == {
        (s.id, s.expected) for s in read_switches() if {s.lang, s.second} == {"en", "de"}
    }
    assert (closed["kind"], closed["n"], closed["kept"], closed["in_the_other_language"]) == ("closed", 2, 1, 1)
    assert (opened["kind"], opened["n"], opened["kept"]) == ("open", 1, 0)


def test_the_same_seed_gives_the_same_file_and_another_does_not():
    def measure(seed):
        return measure_adherence(untrained(96), documents(), ["en"], seed, 2, 12, Progress())

    first = measure(1)
    assert json.dumps(first) == json.dumps(measure(1))
    assert json.loads(json.dumps(first)) == first
    assert first["continuations"] != measure(2)["continuations"]
