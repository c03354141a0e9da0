import json
from itertools import pairwise

import numpy as np
import pytest

from octavo.evaluation import orthography
from octavo.evaluation.openings import Document
from octavo.evaluation.orthography import (
    PROMPT_TOKENS,
    WORDS,
    agreement,
    applies,
    find_windows,
    is_old,
    measure_orthography,
    old_words,
)
from octavo.evaluation.spelling_features import features_of
from octavo.progress import Progress
from tests.evaluation.writers import Scripted, byte_tokenizer, untrained

OLD = (
    "The houſe of the wiſe man is ſtrong, and his ſeruants haue vnto this day neuer forſaken the ſame; for he ſaid, "
    "that who ſo loueth goodneſſe ſhall be bleſſed. And they ſate vpon the graſſe and gaue ſome of the bread vnto the "
    "ſonnes of the poore, that haue no houſe, ſaying, This is the ſeaſon of ſowing. "
)
MODERN = (
    "The house of the wise man is strong, and his servants have unto this day never forsaken the same; for he said, "
    "that who so loveth goodness shall be blessed. And they sat upon the grass and gave some of the bread unto the "
    "sons of the poor, that have no house, saying, This is the season of sowing. "
)


def document(n=0, text=OLD, lang="en"):
    return Document(f"w{n}", f"w{n}", lang, text * 2)


def row(found, name, lang="en"):
    [found] = [r for r in found["features"] if (r["lang"], r["feature"]) == (lang, name)]
    return found


def measure(speaker, documents, prompts=9):
    return measure_orthography(speaker, documents, 1, prompts, 64, Progress())


def test_old_texts_are_told_from_modern_ones():
    assert is_old(OLD, "en")
    assert not is_old(MODERN, "en")
    assert not is_old("Nam uita breuis & ars longa, quae iam nouimus, uia est.", "la")  # a modern edition
    assert is_old("Vnd er ſprach: ſo ſoll es ſeyn.", "de")
    assert not is_old("He cites one old word: ſo. " + MODERN, "en")


def test_a_window_is_a_stretch_of_the_text_in_old_spelling():
    speaker = untrained(256)
    modern = document(7, MODERN)
    mixed = Document("m", "m", "en", MODERN + MODERN + OLD)
    windows = find_windows(speaker, [document(), modern, mixed], 1, 9, 64)
    assert {w.document.id for w in windows} == {"w0", "m"}
    for window in windows:
        assert window.prompt + window.truth in window.document.text
        assert is_old(window.prompt, "en")
        assert len(window.tokens) == PROMPT_TOKENS
    assert find_windows(speaker, [document(1, OLD, "nl")], 1, 9, 64) == []
    assert find_windows(speaker, [Document("s", "s", "en", OLD[:100])], 1, 9, 64) == []


def test_what_keeps_the_spelling_agrees_and_what_modernises_does_not():
    documents = [document(n) for n in range(6)]
    kept = measure(Scripted(lambda prompt, decoding: OLD), documents)
    lost = measure(Scripted(lambda prompt, decoding: MODERN), documents)
    assert kept["works"] == {"en": 6, "fr": 0, "la": 0, "de": 0}
    for name in ("greedy", "drawn"):
        assert row(kept, "long_s")["agreement"][name]["value"] == 1.0
        assert row(lost, "long_s")["agreement"][name]["value"] == 0.0
        assert row(kept, "long_s")["rates"][name]["value"] == 1.0
        assert row(lost, "long_s")["rates"][name]["value"] == 0.0
    ſ = row(lost, "long_s")
    assert ſ["rates"]["truth"]["value"] == ſ["rates"]["prompt"]["value"] == 1.0
    assert (ſ["agreement"]["prompt"]["value"], ſ["agreement"]["modern"]["value"]) == (1.0, 0.0)
    assert ſ["agreement"]["greedy"]["works"] == 6
    assert [c["greedy"] for c in kept["continuations"]] == [OLD.encode()[:64].decode()] * 6
    assert json.loads(json.dumps(kept)) == kept


def test_agreement_is_one_less_the_difference_of_the_rates():
    assert agreement((3, 4), (1, 2)) == 0.75
    assert agreement((0, 4), (2, 2)) == 0.0


def test_a_feature_applies_where_the_prompt_shows_it():
    long_s, final, *_ = features_of("en")
    assert applies(long_s, "ſo ſad")
    assert not applies(long_s, "ſo")
    assert not applies(long_s, "ſo sad say see")
    assert final.name == "long_s_end"
    assert applies(final, "his ſeas")
    assert not applies(final, "his seas")


def test_words_are_weighed_in_two_spellings_with_the_word_after_them():
    [window] = find_windows(untrained(512), [document()], 1, 1, 160)
    words = list(old_words(window, 0))
    text = window.prompt + window.truth
    for word in words:
        assert text.startswith(word.before + word.old)
        assert len(word.before) >= len(window.prompt)
        assert word.old != word.modern
        assert word.old.split()[1:] == word.modern.split()[1:]
    by_feature = [w.feature.name for w in words]
    assert 0 < by_feature.count("long_s") <= WORDS
    long_s = next(w for w in words if w.feature.name == "long_s")
    assert "ſ" in long_s.old.split()[0]
    assert "ſ" not in long_s.modern.split()[0]


def pairs_of(text):
    """Bits by how often each byte follows each in a text: a model that has read it."""
    counts = np.full((258, 258), 0.001)
    for first, second in pairwise(byte_tokenizer().encode(text).ids):
        counts[first, second] += 1
    bits = -np.log2(counts / counts.sum(1, keepdims=True))
    return lambda model, prompts, continuations: np.array(
        [sum(bits[a, b] for a, b in pairwise([p[-1], *c])) for p, c in zip(prompts, continuations, strict=True)]
    )


@pytest.mark.parametrize(("text", "share"), [(OLD, 1.0), (MODERN, 0.0)])
def test_a_model_likes_the_spelling_that_it_has_read(monkeypatch, text, share):
    monkeypatch.setattr(orthography, "continuation_bits", pairs_of(text * 5))
    found = measure(Scripted(lambda prompt, decoding: OLD), [document(n) for n in range(2)])
    weighed = row(found, "long_s")["preference"]
    assert weighed["old_likelier"]["value"] == share
    assert (weighed["bits_saved"]["value"] > 0) == (share == 1.0)
    difference = weighed["bits"]["modern"]["value"] - weighed["bits"]["old"]["value"]
    assert weighed["bits_saved"]["value"] == pytest.approx(difference, abs=1e-3)


def test_without_old_texts_there_are_no_figures():
    found = measure(untrained(256), [document(0, MODERN)])
    assert found["features"] == []
    assert set(found["works"].values()) == {0}
