"""Training the classifier of harmful text from labelled texts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from octavo.curation.toxicity import building as toxicity_build
from octavo.curation.toxicity import training as toxicity_training
from octavo.curation.toxicity.labels import HELD_OUT, TRAINING, UNKNOWN, read_labelled
from octavo.curation.toxicity.scoring import DIMENSIONS, SHIPPED, load_classifier, score
from octavo.curation.toxicity.training import auroc, auroc_interval, platt, train_classifier
from octavo.errors import InputError

BAD, GOOD = ["wretch", "filth", "vermin", "scum"], ["neighbour", "baker", "garden", "river"]
FILLERS = [f"{chr(97 + a)}{chr(97 + b)}ra{chr(97 + b)}lo" for a in range(20) for b in range(8)]


def rows(count=400):
    """Texts that are harmful towards religion where they hold a bad word."""
    random = np.random.default_rng(5)
    made = []
    for number in range(count):
        harmful = number % 2 == 0
        words = [*random.choice(FILLERS, 8), str(random.choice(BAD if harmful else GOOD))]
        random.shuffle(words)
        levels = dict.fromkeys(DIMENSIONS, 0) | {"religion": 3 * harmful, "ability": None}
        made.append({"text": " ".join(words), "lang": "en", "source": "made", **levels})
    return made


def written(path, made):
    pq.write_table(pa.Table.from_pylist(made), path)
    return path


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(toxicity_training, "BITS", 12)
    monkeypatch.setattr(toxicity_training, "EPOCHS", 12)
    monkeypatch.setattr(toxicity_training, "RESAMPLES", 50)


def test_a_classifier_learns_what_the_labels_say(small, tmp_path):
    clean = [{**row, "source": "clean"} for row in rows() if row["religion"] == 0]
    labelled = written(tmp_path / "labelled.parquet", rows() + clean)
    figures = train_classifier(labelled, tmp_path / "classifier.safetensors")
    by_dimension = {row["dimension"]: row for row in figures["auroc"]}
    assert set(by_dimension) == {
        "religion"
    }  # no other has harmful texts; ability is not known, so neither is `any`
    found = by_dimension["religion"]
    assert found["low"] <= found["auroc"] <= found["high"]
    assert found["auroc"] > 0.95
    assert sum(figures["texts"].values()) == len(rows()) + len(clean)
    classifier = load_classifier(tmp_path / "classifier.safetensors")
    assert classifier.about == figures
    assert score("What vermin they are", classifier)["religion"] > 2
    assert score("What a river this is", classifier)["religion"] < 1
    assert score("What vermin they are", classifier)["race_origin"] < 0.5


def test_the_same_texts_give_the_same_file(small, tmp_path):
    labelled = written(tmp_path / "labelled.parquet", rows())
    files = [tmp_path / name for name in ("one.safetensors", "two.safetensors")]
    for file in files:
        train_classifier(labelled, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_harm_beside_harmless_text_scores_like_harm_alone(small, tmp_path):
    labelled = written(tmp_path / "labelled.parquet", rows())
    train_classifier(labelled, tmp_path / "classifier.safetensors")
    classifier = load_classifier(tmp_path / "classifier.safetensors")
    around = "The baker sat in the garden by the river, and his neighbour came. " * 20
    assert score(around, classifier)["religion"] < 1
    assert score(around + "What vermin they are. " + around, classifier)["religion"] > 2


def test_near_copies_and_groups_stay_in_one_part(tmp_path):
    made = rows(300)
    made += [{**row, "text": row["text"] + " indeed"} for row in made[:100]]
    for number, row in enumerate(made):
        row["group"] = f"work {number % 7}" if 100 <= number < 200 else None
    labelled = read_labelled(written(tmp_path / "labelled.parquet", made))
    assert (labelled.part[:100] == labelled.part[300:]).all()
    groups = np.arange(100, 200) % 7
    assert all(len(set(labelled.part[100:200][groups == group])) == 1 for group in range(7))
    assert 0.1 < (labelled.part == HELD_OUT).mean() < 0.35


def test_synthetic_texts_are_only_trained_on(tmp_path):
    made = [{**row, "synthetic": number % 3 == 0} for number, row in enumerate(rows(300))]
    labelled = read_labelled(written(tmp_path / "labelled.parquet", made))
    assert (labelled.part[::3] == TRAINING).all()
    assert (labelled.part == HELD_OUT).any()


def test_null_is_not_known(tmp_path):
    labelled = read_labelled(written(tmp_path / "labelled.parquet", rows(10)))
    assert (labelled.levels[:, DIMENSIONS.index("ability")] == UNKNOWN).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"religion": 4}, "row 3: religion is 4, expected 0 to 3"),
        ({"religion": -1}, "row 3: religion is -1, expected 0 to 3"),
        ({"text": " \n"}, "row 3: text is ' \\n', expected a text"),
        ({"text": None}, "row 3: text is None, expected a text"),
        ({"lang": "English"}, "row 3: lang is 'English', expected an ISO 639-1 code"),
        ({"lang": None}, "row 3: lang is None"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, change, message):
    made = rows(6)
    made[2] |= change
    with pytest.raises(InputError) as caught:
        read_labelled(written(tmp_path / "labelled.parquet", made))
    assert message in str(caught.value)
    assert "labelled.parquet" in str(caught.value)


def test_files_that_hold_no_labels_are_refused(small, tmp_path):
    out = tmp_path / "classifier.safetensors"
    without = [{name: row[name] for name in row if name != "religion"} for row in rows(6)]
    halves = [{**row, "religion": row["religion"] / 2} for row in rows(6)]
    nothing = [{**row, "religion": 0} for row in rows(100)]
    numbers = [{**row, "text": 7} for row in rows(6)]
    cases = [
        (without, "has no column religion"),
        (halves, "column religion is double, expected whole numbers"),
        (numbers, "column text is int64, expected strings"),
        (nothing, "in no dimension are some at 0 and some above"),
    ]
    for made, message in cases:
        with pytest.raises(InputError, match=message):
            train_classifier(written(tmp_path / "labelled.parquet", made), out)
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        train_classifier(tmp_path / "text.parquet", out)
    with pytest.raises(InputError, match="not found"):
        train_classifier(tmp_path / "none.parquet", out)
    with pytest.raises(InputError, match="in a folder that is there"):
        train_classifier(tmp_path / "none.parquet", tmp_path / "no" / "classifier")
    assert not out.exists()
    out.write_text("precious")
    with pytest.raises(InputError, match="is there already"):
        train_classifier(written(tmp_path / "labelled.parquet", rows()), out)
    assert out.read_text() == "precious"


def test_the_command_tells_its_figures_as_json(tmp_path):
    labelled = written(tmp_path / "labelled.parquet", rows())
    command = [Path(sys.executable).with_name("octavo"), "train-classifier", labelled]
    done = subprocess.run([*command, "--out", tmp_path / "c", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == load_classifier(tmp_path / "c").about
    again = subprocess.run([*command, "--out", tmp_path / "c"], capture_output=True, text=True)
    assert again.returncode == 2
    assert again.stderr == f"octavo: {tmp_path / 'c'}: is there already; nothing was changed\n"


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    random = np.random.default_rng(2)
    harmful = random.random(60) < 0.3
    value = np.round(random.random(60) + 0.5 * harmful, 1)
    pairs = [(a > b) + (a == b) / 2 for a in value[harmful] for b in value[~harmful]]
    assert auroc(value, harmful) == pytest.approx(np.mean(pairs))
    middle, low, high = auroc_interval(value, harmful)
    assert low < middle < high


def test_calibration_finds_the_logistic_function_that_labels_were_drawn_from():
    random = np.random.default_rng(4)
    answer = random.normal(0, 3, 40_000)
    reached = random.random(40_000) < 1 / (1 + np.exp(-(0.6 * answer - 1.5)))
    assert platt(answer, reached) == pytest.approx((0.6, -1.5), abs=0.05)
    slope, shift = platt(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert np.isfinite([slope, shift]).all()


@pytest.mark.parametrize(
    ("source", "label", "expected"),
    [
        ("GermEval-2018", "OTHER", (0, 0, 0, 0, 0)),
        ("GermEval-2018", "ABUSE", (None, None, None, None, 3)),
        ("Davidson-2017", "offensive_language", (None, None, None, None, 2)),
        ("ToLD-Br", "obscene|misogyny", (0, 2, 0, 0, 1)),
        ("ToLD-Br", "racism", (3, 0, 0, 0, None)),
        ("MLMA-2019", "normal|origin", (0, 0, 0, 0, 0)),
        ("MLMA-2019", "hateful_normal|disability", (0, 0, 0, 2, None)),
        ("MLMA-2019", "offensive|other", (0, 0, 0, 0, 2)),
    ],
)
def test_categories_of_public_sets_become_levels(source, label, expected):
    levels = toxicity_build.SETS[source](label)
    assert tuple(levels[name] for name in DIMENSIONS) == expected


def test_a_post_is_read_without_the_marks_of_its_platform():
    post = "RT @some_body: so #true &amp; right |LBR| https://t.co/x \\u2026"
    assert toxicity_build.plain(post) == "so true and right"


def test_our_own_sentences_have_levels_and_no_gap_left():
    said = yaml.safe_load(toxicity_build.SENTENCES.read_text(encoding="utf-8"))
    made = list(toxicity_build._own(said))
    assert {row["lang"] for row in made} == {"de", "en", "es", "fr", "it", "la", "nl", "pt"}
    assert all(row["synthetic"] and "{" not in row["text"] for row in made)
    for lang in said:
        for name in DIMENSIONS:
            levels = {row[name] for row in made if row["lang"] == lang}
            assert levels >= {0, 1, 2, 3}, (lang, name)


def test_the_classifier_that_comes_with_octavo_knows_harm_from_mention():
    classifier = load_classifier()
    assert SHIPPED.stat().st_size < 5_000_000
    harm = score("Kill the Jews wherever you find them, those filthy parasites.", classifier)
    mention = score("The Jews were expelled from the town in 1349, and returned ten years later.", classifier)
    assert max(harm.values()) > 2
    assert max(mention.values()) < 1
    assert max(score("Du bist ein verdammter Idiot, halt's Maul.", classifier).values()) > 1
    assert max(score("Der Hund lief über die Wiese zum Flusse hinab.", classifier).values()) < 0.5
