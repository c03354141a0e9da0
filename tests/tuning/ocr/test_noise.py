"""Noise is learnt from pairs and made alike: the same errors, as often, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.evaluation.task_metrics import edits
from octavo.tuning.ocr.noise import factor_for, level, made_pairs, noisy
from octavo.tuning.ocr.noise_learning import errors, learn
from octavo.tuning.ocr.noise_table import ANY, Confusions, group_of
from octavo.tuning.ocr.pairs import OcrPair
from tests.tuning.ocr.stand_ins import ERRORS, pairs, prose, scanned


@pytest.fixture(scope="module")
def learnt():
    return learn(pairs(120, 0.2))


def rate(made, clean):
    return sum(map(edits, made, clean)) / sum(map(len, clean))


def table(rates, **others):
    values = {"before": {}, "after": {}, "near": 1.0, "far": 1.0, "levels": [0.0, 0.5], "response": [(1.0, 0.5)]}
    return Confusions(rates, **{**values, **others})


def test_errors_are_told_with_what_was_printed():
    assert list(errors("modern harm", "modem barm")) == [(4, "rn", "m"), (7, "h", "b")]
    assert list(errors("a cat", "acat")) == [(1, " ", "")]
    assert list(errors("cat", "cxat")) == [(1, "a", "xa")]  # what comes in goes with the letter behind it
    assert list(errors("cat", "cat.")) == [(2, "t", "t.")]
    assert [e.old for e in errors("abcdef", "uvwxyz")] == ["abc", "def"]
    assert list(errors("cat", "cat and another line")) == []  # a loss, and no confusion


@given(st.text("abc ", max_size=40), st.text("abc ", max_size=40))
def test_errors_are_short_and_in_order(printed, recognised):
    at = 0
    for error in errors(printed, recognised):
        assert at <= error.place or error.new.startswith(printed[-1])  # what comes in at the end
        at = error.place + len(error.old)
        assert printed[error.place : at] == error.old
        assert 1 <= len(error.old) <= 3


def test_the_confusions_of_the_scanner_are_found(learnt):
    rates = learnt.groups["en"].rates
    for old, new in ERRORS.items():
        if old != "in":  # as likely read as i or n lost and the other wrong
            assert max(rates[old], key=rates[old].get) == new
    assert rates["h"]["b"] + rates["he"]["bc"] == pytest.approx(0.19, abs=0.02)  # of "th" some are wrong together
    assert "z" not in rates


def test_made_noise_is_as_frequent_and_of_the_same_kind(learnt):
    clean = [prose(n, 4) for n in range(200, 300)]
    group = learnt.groups["en"]
    real = [scanned(text, n, 0.2) for n, text in enumerate(clean)]
    made = [noisy(group, text, factor_for(group, rate(real, clean)), str(n), 1) for n, text in enumerate(clean)]
    assert rate(made, clean) == pytest.approx(rate(real, clean), rel=0.1)

    def shares(texts):
        found = Counter(e[1:] for text, said in zip(clean, texts, strict=True) for e in errors(text, said))
        return {key: count / found.total() for key, count in found.items()}

    first, second = shares(real), shares(made)
    assert sum(abs(first.get(k, 0) - second.get(k, 0)) for k in {*first, *second}) / 2 < 0.1


@pytest.mark.parametrize("wanted", [0.01, 0.05, 0.15])
def test_an_error_rate_can_be_asked_for(learnt, wanted):
    group, clean = learnt.groups["en"], [prose(n, 10) for n in range(40)]
    made = [noisy(group, text, factor_for(group, wanted), str(n), 2) for n, text in enumerate(clean)]
    assert rate(made, clean) == pytest.approx(wanted, rel=0.2)


def test_the_same_seed_and_name_make_the_same_noise(learnt):
    group, text = learnt.groups["en"], prose(1, 20)
    assert noisy(group, text, 1.0, "a", 1) == noisy(group, text, 1.0, "a", 1) != text
    assert len({noisy(group, text, 1.0, name, seed) for name in "ab" for seed in (1, 2)}) == 4


def test_without_noise_a_text_stays(learnt):
    text = prose(1, 3)
    assert noisy(learnt.groups["en"], text, 0.0, "a", 1) == text
    assert noisy(learnt.groups["en"], "", 1.0, "a", 1) == ""


@given(st.text(max_size=60), st.floats(0, 50))
def test_any_text_can_be_made_noisy_and_keeps_its_lines(text, factor):
    everything = table({"a": {"": 0.5}, " ": {"": 0.9}, "e ": {"c": 0.9}, "\n": {"": 0.9}, "rn\n": {"m": 0.9}})
    made = noisy(everything, text, factor, "name", 0)
    assert made.count("\n") == text.count("\n")
    assert set(made) <= {*text, "c"}


def test_longer_and_wider_confusions_are_made():
    made = noisy(table({"abc": {"xyzuvw": 0.9}}), "abc" * 2000, 1.0, "n", 0)
    assert made.count("xyzuvw") == pytest.approx(1800, abs=60)
    assert set(made.replace("xyzuvw", "")) == {"a", "b", "c"}


def test_neighbours_and_clusters_change_the_rates():
    text = "ab cb " * 4000
    by_neighbour = noisy(table({"b": {"x": 0.1}}, before={"ab": 4.0, "cb": 0.0}), text, 1.0, "n", 0)
    assert by_neighbour.count("ax") == pytest.approx(1600, abs=150)
    assert by_neighbour.count("cx") == 0
    after = noisy(table({"b": {"x": 0.1}}, after={"b ": 0.0}), text, 1.0, "n", 0)
    assert after == text
    single = noisy(table({"a": {"x": 0.1}}, near=0.0), "a" * 10_000, 1.0, "n", 0)
    assert min(map(len, single.strip("a").split("x")[1:-1])) == 6


def test_contexts_and_clusters_are_learnt():
    line = "ab oe cb oe zzzzzzzz zzzzzzzz " * 20
    noisy_line = line.replace("ab oe", "ax ou")  # after an a, and then near an error
    group = learn([OcrPair(str(n), str(n), "en", noisy_line, line) for n in range(60)]).groups["en"]
    assert group.before["ab"] > 1.5
    assert group.before["cb"] < 0.2
    assert group.near > 1


def test_documents_are_as_bad_as_real_ones_and_some_are_clean(learnt):
    group = learnt.groups["en"]
    drawn = [level(group, str(n), 1, 0.0) for n in range(2000)]
    assert min(drawn) >= group.levels[0]
    assert max(drawn) <= group.levels[-1]
    assert sum(drawn) / 2000 == pytest.approx(sum(group.levels) / len(group.levels), rel=0.05)
    assert sum(level(group, str(n), 1) == 0 for n in range(2000)) == pytest.approx(200, abs=50)


def test_pairs_are_made_from_clean_texts(learnt):
    clean = [OcrPair(f"t{n}", f"d{n // 4}", "en", "", prose(n, 5), 18) for n in range(200)]
    made = list(made_pairs(learnt, clean, 7))
    assert [pair._replace(source="") for pair in made] == clean
    assert made == list(made_pairs(learnt, clean[::-1], 7))[::-1]
    same = {pair.doc for pair in made if pair.source == pair.target}
    assert 0 < len(same) < 15
    assert all(pair.source == pair.target for pair in made if pair.doc in same)


def test_each_text_has_the_noise_of_its_letters():
    old = [
        p._replace(id=f"s{p.id}", source=p.source.replace("s", "f"), target=p.target.replace("s", "ſ"))
        for p in pairs(80, 0.2)
    ]
    noise = learn([*pairs(80, 0.2), *old])
    assert set(noise.groups) == {"en", "en ſ", ANY}
    assert group_of("en", "ſo it is") == "en ſ"
    assert noise.of("en", "so it is") is noise.groups["en"]
    assert noise.of("en", "ſo it is") is noise.groups["en ſ"]
    assert noise.of("pt", "assim") is noise.groups[ANY]
    assert max(noise.groups["en ſ"].rates["ſ"].items(), key=lambda x: x[1])[0] == "f"


def test_too_few_pairs_are_refused():
    with pytest.raises(InputError, match=r"found pairs of \d+ characters, expected 20000 at least"):
        learn(pairs(3, 0.2))
