"""Real pairs: what is read, left out and refused, and that made noise resembles real noise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from octavo.errors import InputError
from octavo.evaluation.task_files import is_tested
from octavo.evaluation.task_metrics import edits
from octavo.progress import Progress
from octavo.tuning.ocr.correcting import Guard, correct
from octavo.tuning.ocr.format import answer_of, examples
from octavo.tuning.ocr.measures import starts
from octavo.tuning.ocr.noise import factor_for, noisy
from octavo.tuning.ocr.noise_learning import errors, learn
from octavo.tuning.ocr.noise_table import group_of
from octavo.tuning.ocr.pairs import check, read_pairs
from tests.tuning.ocr.stand_ins import VOCABULARY, Writer

FILE = Path(__file__).parents[4] / "shared" / "corpus" / "tasks" / "ocr" / "ocr.jsonl.zst"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILE.is_file(), reason="the real corpus is not beside the repository"),
]


@pytest.fixture(scope="module")
def read():
    return read_pairs(FILE)


def test_all_pairs_are_kept_or_left_out_for_a_reason_that_holds(read):
    some = read[::3]
    found = check(some, FILE.name)
    assert len(found.pairs) + len(found.left_out) == len(some)
    assert len(found.pairs) > 0.85 * len(some)
    assert {odd.reason for odd in found.left_out} <= {"not the same text", "another language"}
    langs = {pair.id: pair.lang for pair in some}
    latin = [odd for odd in found.left_out if odd.reason == "another language" and odd.evidence.startswith("la")]
    assert {langs[odd.id] for odd in latin} <= {"fr", "de", "nl"}  # charters and prints in Latin
    assert len(latin) > 50


@pytest.mark.parametrize("lang", ["en", "fr", "de", "la", "nl"])
def test_a_real_file_with_swapped_sides_is_refused(read, lang):
    swapped = [p._replace(source=p.target, target=p.source) for p in read if p.lang == lang][:300]
    with pytest.raises(InputError, match="sides swapped"):
        check(swapped, FILE.name)


def test_real_pairs_are_cut_and_nothing_of_the_print_is_lost(read):
    some = read[::100]
    learnt = examples(VOCABULARY, some, 512)
    said: dict[str, list[str]] = {}
    for name, one in zip(learnt.names, learnt.examples, strict=True):
        said.setdefault(name.split("#")[0], []).append(answer_of(VOCABULARY, one.answer))
    left = {odd.id.split("#")[0] for odd in learnt.left_out}
    assert len(left) < 0.05 * len(some)
    for pair in some:
        if pair.id not in left:
            assert " ".join(said[pair.id]).split() == pair.target.split()


def test_a_model_that_is_right_is_let_through_and_one_that_copies_changes_nothing(read):
    some = [pair for pair in read[::40] if edits(pair.source, pair.target) < 0.4 * len(pair.target)]
    right = {pair.source.strip(): pair.target for pair in some}
    texts = [pair.source for pair in some]
    copied = correct(Writer(lambda asked: asked, 4096), VOCABULARY, texts, Guard(), Progress())
    assert [one.text for one in copied] == texts
    found = correct(Writer(right.__getitem__, 4096), VOCABULARY, texts, Guard(), Progress())
    before = sum(edits(pair.source, pair.target) for pair in some)
    after = sum(edits(one.text, pair.target) for one, pair in zip(found, some, strict=True))
    assert after < 0.15 * before  # most of what is refused are numbers


def test_made_noise_is_nearly_as_like_real_noise_as_that_is_to_itself(read):
    its = [pair for pair in read if group_of(pair.lang, pair.target) == "de ſ"]
    its = [pair for pair in its if edits(pair.source, pair.target) < 0.5 * len(pair.target)]
    confusions = learn([pair for pair in its if not is_tested(pair.doc)]).groups["de ſ"]
    held_out = [pair for pair in its if is_tested(pair.doc)]
    rates = starts(held_out)
    made = [
        noisy(confusions, pair.target, factor_for(confusions, rates[pair.doc]), pair.id, 1) for pair in held_out
    ]
    size = sum(len(pair.target) for pair in held_out)
    real_rate = sum(edits(pair.source, pair.target) for pair in held_out) / size
    made_rate = sum(edits(text, pair.target) for text, pair in zip(made, held_out, strict=True)) / size
    assert made_rate == pytest.approx(real_rate, rel=0.15)

    def shares(found):
        counts = Counter((e.old, e.new) for printed, said in found for e in errors(printed, said))
        return {key: count / counts.total() for key, count in counts.items()}

    def apart(first, second):
        return sum(abs(first.get(key, 0) - second.get(key, 0)) for key in {*first, *second}) / 2

    real = [(pair.target, pair.source) for pair in held_out]
    of_made = [(pair.target, text) for text, pair in zip(made, held_out, strict=True)]
    assert apart(shares(real), shares(of_made)) < 1.15 * apart(shares(real[::2]), shares(real[1::2]))
