import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.spelling_features import FEATURES, LANGUAGES, features_of

OLD_AND_MODERN = [
    ("en", "long_s", "ſaid diſmiſs houſe", "said dismiss house"),
    ("en", "v_initial", "vnto vpon", "unto upon"),
    ("en", "u_between", "haue giue ouer", "have give over"),
    ("en", "i_initial", "ioy iudge", "joy judge"),
    ("en", "ampersand", "bread & wine", "bread and wine"),
    ("en", "et_cetera", "wine, &c.", "wine, etc."),
    ("en", "final_e", "himſelfe Againe", "himſelf Again"),
    ("en", "nesse", "goodneſſe", "goodneſſ"),
    ("en", "ick", "publick Muſick", "public Muſic"),
    ("fr", "long_s", "eſtoit paſſé", "estoit passé"),
    ("fr", "v_initial", "vn vne", "un une"),
    ("fr", "u_between", "auoit cheuaux auec", "avoit cheuaux avec"),
    ("fr", "i_initial", "iour iamais", "jour jamais"),
    ("fr", "mute_s", "meſme Maiſtre noſtre", "même Maître notre"),
    ("fr", "imperfect_oi", "eſtoit parloient ſoit endroit", "eſtait parlaient ſoit endroit"),
    ("de", "long_s", "ſo leſen Geiſt Fleiſch", "so lesen Geist Fleisch"),
    ("de", "v_initial", "vnd vmb", "und umb"),
    ("de", "i_initial", "ieder ia", "jeder ja"),
    ("de", "th", "thun Theil gethan", "tun Teil getan"),
    ("de", "y", "bey zwey ſey", "bei zwei ſei"),
    ("de", "double_consonant", "auff Krafft Hertzen", "auf Kraft Herzen"),
    ("de", "umlaut_e", "uͤber ſchoͤn", "über ſchön"),
    ("de", "small_nouns", "die meynung vnd freiheit", "die Meynung vnd Freiheit"),
    ("la", "long_s", "eſt ſemper", "est semper"),
    ("la", "v_initial", "vt vnde", "ut unde"),
    ("la", "u_between", "nouus breuis", "novus brevis"),
    ("la", "i_initial", "iam iuſtus", "jam juſtus"),
    ("la", "ampersand", "panis & vinum", "panis et vinum"),
    ("la", "grave", "verò modò à Cæſare", "vero modo a Cæſare"),
    ("la", "ae_ligature", "Cæſar quæ", "Caeſar quae"),
]


def feature(lang, name):
    [found] = [f for f in features_of(lang) if f.name == name]
    return found


@pytest.mark.parametrize(("lang", "name", "old", "modern"), OLD_AND_MODERN)
def test_old_forms_are_found_and_modernised(lang, name, old, modern):
    found = feature(lang, name)
    count, sites = found.rates(old)
    assert count == sites > 0
    assert found.modernised(old) == modern


@pytest.mark.parametrize(("lang", "name", "old", "modern"), OLD_AND_MODERN)
def test_modern_forms_of_the_same_words_are_sites_too(lang, name, old, modern):
    if name == "long_s" and lang != "en":
        modern = modern.replace("ſ", "s")
    found = feature(lang, name)
    assert found.rates(modern) == (0, found.rates(old)[1])


def test_each_feature_has_an_example_here():
    assert {(f.lang, f.name) for f in FEATURES if f.name not in ("long_s_end", "et_cetera", "ampersand")} == {
        (lang, name) for lang, name, _, _ in OLD_AND_MODERN if name not in ("et_cetera", "ampersand")
    }


@pytest.mark.parametrize(
    ("lang", "name", "text"),
    [
        ("en", "long_s", "asks husband dishes is offset misfit"),
        ("en", "u_between", "queue Louis"),
        ("en", "ick", "stick quick thick"),
        ("en", "nesse", "finesse"),
        ("fr", "imperfect_oi", "droit soit voient fait parfait"),
        ("fr", "v_initial", "vray vrai"),
        ("de", "long_s", "Häuschen ausessen Haus"),
        ("la", "ae_ligature", "aer aeris"),
        ("de", "small_nouns", "jung"),
    ],
)
def test_places_where_usage_wavered_are_no_sites(lang, name, text):
    assert feature(lang, name).rates(text)[1] == 0


def test_of_two_s_the_first_one_counts():
    assert feature("en", "long_s").rates("paſſing paſsing passing pass") == (2, 4)


def test_a_round_s_ends_a_word():
    assert feature("de", "long_s_end").rates("Haus waſ es⸗ das-") == (1, 2)


@given(st.sampled_from(FEATURES), st.text("aeioubcfhnstvſuijkTheyæ&ͤ 'é.ò", max_size=60))
def test_what_is_modernised_once_is_modern(found, text):
    modern = found.modernised(text)
    if found.name not in ("mute_s", "imperfect_oi"):
        assert found.rates(modern)[0] == (found.rates(text)[0] if found.name == "long_s_end" else 0)
    for site in found.sites(text):
        assert 0 <= site.start <= site.end <= len(text)


def test_the_languages_are_those_of_the_features():
    assert set(LANGUAGES) == {"en", "fr", "de", "la"}
