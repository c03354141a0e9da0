"""Harm in what the model says: the prompts, the shares, the corpus and another run beside them."""

import json
import shutil
from collections import Counter

import pyarrow as pa
import pytest

from octavo.curation.language import identify
from octavo.curation.toxicity.scoring import DIMENSIONS, load_classifier, score
from octavo.errors import InputError
from octavo.evaluation import toxicity
from octavo.evaluation.prompts import read_prompts
from octavo.evaluation.report.toxicity_table import harm_rows
from octavo.evaluation.toxicity import measure_harm, outside_files
from octavo.modeling.hf import load_hf
from octavo.progress import Progress
from octavo.recipe.schema import LANGUAGES
from octavo.road import finish_road
from octavo.summary import print_summary
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from tests.conftest import quiet_reporter, small_recipe

HATEFUL = " The Jews are filthy beasts and should all be killed."
KIND = " They sat down by the window and talked of the harvest."
PROMPTS = read_prompts(LANGUAGES)


def test_each_language_has_forty_neutral_and_forty_provoking_prompts_eight_a_dimension():
    expected = {("neutral", None): 40, **{("provoking", dimension): 8 for dimension in DIMENSIONS}}
    assert {p.lang for p in PROMPTS} == set(LANGUAGES)
    for lang in LANGUAGES:
        assert Counter((p.kind, p.dimension) for p in PROMPTS if p.lang == lang) == expected


def test_no_prompt_comes_twice_and_each_can_be_written_on():
    assert len({p.id for p in PROMPTS}) == len({p.text for p in PROMPTS}) == len(PROMPTS)
    assert all(p.text == p.text.strip() and len(p.text.split()) >= 4 for p in PROMPTS)


def test_some_neutral_prompts_of_each_language_are_in_old_spelling():
    old = Counter(p.lang for p in PROMPTS if p.kind == "neutral" and "ſ" in p.text)
    assert min(old[lang] for lang in LANGUAGES) >= 3


def test_the_prompts_are_in_their_languages():
    found = identify(pa.array([p.text for p in PROMPTS])).to_pylist()
    agree = [verdict["lang"] == p.lang for verdict, p in zip(found, PROMPTS, strict=True)]
    assert sum(agree) / len(agree) >= 0.98


def test_neutral_prompts_are_harmless_to_the_classifier():
    classifier = load_classifier()
    flagged = {p.text for p in PROMPTS if p.kind == "neutral" and max(score(p.text, classifier).values()) >= 1}
    assert flagged == set()


def test_languages_without_prompts_have_none():
    assert read_prompts(["pl"]) == []
    assert {p.lang for p in read_prompts(["pl", "la"])} == {"la"}


@pytest.fixture(scope="module")
def tokenizer(small_run):
    return load_tokenizer(small_run / "tokenizer/tokenizer.json")


@pytest.fixture
def measured(tokenizer, monkeypatch):
    """Measures a model that always says the same, or what a function of the prompt's text says."""

    def measure(home, says, samples=2, report=None, **changes):
        def continued(model, prompts, end, decoding, seeds, progress, note):
            texts = tokenizer.decode_batch(prompts, skip_special_tokens=True)
            said = [says if isinstance(says, str) else says(text) for text in texts]
            return [tokenizer.encode(text, add_special_tokens=False).ids for text in said]

        monkeypatch.setattr(toxicity, "continue_prompts", continued)
        recipe = small_recipe(
            **{
                "corpus": {"languages": ["en", "fr"]},
                "evaluation": {"continuations": {"max_tokens": 8, "samples": samples}, **changes},
            }
        )
        (home / "evaluation").mkdir(parents=True)
        begin, end = begin_and_end(tokenizer, "")
        report = report or home / "report.json"
        short = measure_harm(recipe, None, tokenizer, begin, end, report, home / "evaluation", Progress())
        return short, json.loads((home / "evaluation/toxicity.json").read_text())

    return measure


def shares(figures, **which):
    return [row for row in figures["shares"] if all(row[name] == value for name, value in which.items())]


def test_of_a_model_that_always_says_hateful_things_all_is_harmful(measured, tmp_path):
    short, written = measured(tmp_path, HATEFUL)
    of_any = shares(written, dimension="any")
    assert len(of_any) == (2 + 1) * 2 * 2 * 3
    assert {row["share"] for row in of_any} == {1.0}
    # Two samples that always agree say no more than one: Wilson's bound for 40 of 40 and, together, for 80 of 80.
    assert {round(row["low"], 4) for row in of_any if row["lang"] == "fr"} == {0.9124}
    assert {round(row["low"], 4) for row in of_any if row["lang"] == "all"} == {0.9542}
    assert {row["share"] for row in shares(written, dimension="religion", level=1.5)} == {1.0}
    assert {row["share"] for row in shares(written, dimension="ability", level=1.0)} == {0.0}
    assert short["shares"] == of_any
    assert "continuations" not in short


def test_of_a_model_that_says_nothing_harmful_or_nothing_at_all_nothing_is(measured, tmp_path):
    for name, says in (("kind", KIND), ("silent", "")):
        _, written = measured(tmp_path / name, says)
        assert {row["share"] for row in written["shares"]} == {0.0}
        assert {round(row["high"], 4) for row in shares(written, lang="en")} == {0.0876}


def test_shares_are_of_their_language_and_kind(measured, tmp_path):
    provoking = {p.text for p in PROMPTS if p.kind == "provoking" and p.lang == "fr"}
    _, written = measured(tmp_path, lambda prompt: HATEFUL if prompt in provoking else KIND, samples=0)
    found = {(r["lang"], r["kind"]): r["share"] for r in shares(written, dimension="any", level=2.0)}
    assert found == {
        ("all", "neutral"): 0.0,
        ("all", "provoking"): 0.5,
        ("en", "neutral"): 0.0,
        ("en", "provoking"): 0.0,
        ("fr", "neutral"): 0.0,
        ("fr", "provoking"): 1.0,
    }


def test_every_continuation_is_there_to_be_read(measured, tmp_path):
    _, written = measured(tmp_path, HATEFUL)
    assert len(written["continuations"]) == 160 * 3
    first = written["continuations"][0]
    assert (first["id"], first["continuation"], first["decoding"]) == ("en-neutral-1", HATEFUL, "greedy")
    assert first["scores"]["any"] == max(first["scores"].values())
    alone = score(HATEFUL, load_classifier())
    assert first["scores"]["religion"] == pytest.approx(alone["religion"], abs=1e-4)


def test_the_corpus_is_set_beside_where_its_passages_were_counted(measured, tmp_path):
    levels = {"0.5": 9, "1.0": 8, "1.5": 4, "2.0": 2, "2.5": 1}
    none = dict.fromkeys(levels, 0)
    report = tmp_path / "report.json"
    counted = {
        "en": {"passages": 100, "left": 98, "before": levels, "after": none | {"1.0": 49}},
        "la": {"passages": 300, "left": 300, "before": none, "after": none},
    }
    report.write_text(json.dumps({"toxicity": {"shares": counted}}))
    short, _ = measured(tmp_path / "a", KIND, report=report)
    assert short["corpus"]["en"]["before"] == {"1.0": 0.08, "1.5": 0.04, "2.0": 0.02}
    assert short["corpus"]["en"]["after"] == {"1.0": 0.5, "1.5": 0.0, "2.0": 0.0}
    assert short["corpus"]["all"]["before"]["1.0"] == 0.02
    names = [row.name for row in harm_rows(short)]
    assert "corpus, unfiltered" in names
    report.write_text(json.dumps({"toxicity": None}))
    assert measured(tmp_path / "b", KIND, report=report)[0]["corpus"] is None


def test_another_run_is_set_beside_with_the_difference_of_the_same_prompts(measured, tmp_path):
    measured(tmp_path / "unfiltered", HATEFUL)
    here, _ = measured(tmp_path / "filtered", KIND, compare=[str(tmp_path / "unfiltered")])
    other = here["compared"][str(tmp_path / "unfiltered")]
    assert {row["share"] for row in other["shares"]} == {1.0}
    found = [row for row in other["differences"] if row["lang"] == "fr"]
    assert len(found) == 2 * 2 * 3
    assert {row["share"] for row in found} == {-1.0}
    assert all(row["low"] == -1.0 < row["high"] < -0.85 for row in found)
    assert any("less unfiltered" in row.name for row in harm_rows(here))


def test_a_run_that_was_not_evaluated_or_otherwise_is_refused(measured, tmp_path):
    def compare(run, samples=2, languages=("en", "fr")):
        outside_files(
            small_recipe(
                corpus={"languages": list(languages)},
                evaluation={"continuations": {"max_tokens": 8, "samples": samples}, "compare": [str(run)]},
            )
        )

    other = tmp_path / "other"
    with pytest.raises(InputError, match=r"compare: .*other/evaluation/toxicity.json: not found, expected the dir"):
        compare(other)
    measured(other, KIND)
    compare(other)
    with pytest.raises(
        InputError, match=r"toxicity.json: decodings: found .*'samples': 2.*expected .*'samples': 1"
    ):
        compare(other, samples=1)
    with pytest.raises(InputError, match=r"prompts.languages: found \['en', 'fr'\], expected \['en', 'la'\]"):
        compare(other, languages=("en", "la"))
    (other / "evaluation/toxicity.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        compare(other)


def test_what_a_prompt_becomes_does_not_depend_on_the_other_languages(small_run, tokenizer, tmp_path):
    model = load_hf(small_run / "release").eval()
    found = []
    for languages in (["la"], ["la", "pt"]):
        home = tmp_path / "".join(languages)
        home.mkdir()
        recipe = small_recipe(corpus={"languages": languages}, evaluation={"continuations": {"max_tokens": 4}})
        measure_harm(recipe, model, tokenizer, *begin_and_end(tokenizer, ""), home / "none", home, Progress())
        written = json.loads((home / "toxicity.json").read_text())["continuations"]
        found.append([c for c in written if c["lang"] == "la"])
    assert found[0] == found[1]
    drawn = {(c["id"], c["continuation"]) for c in found[0] if c["decoding"] == "sampled"}
    assert len(drawn) > 200  # of 80 prompts with three samples


def test_a_finished_run_is_compared_by_naming_another(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    before = (run / "recipe.yaml").read_bytes()
    with pytest.raises(InputError, match=r"nowhere/evaluation/toxicity.json: not found"):
        finish_road(run, "evaluation", quiet_reporter(), [f'evaluation.compare=["{tmp_path / "nowhere"}"]'])
    assert (run / "recipe.yaml").read_bytes() == before
    figures = finish_road(run, "evaluation", quiet_reporter(), [f'evaluation.compare=["{small_run}"]'])
    compared = figures["evaluation"]["harm"]["compared"][str(small_run)]
    assert compared["shares"] == figures["evaluation"]["harm"]["shares"]
    assert {row["share"] for row in compared["differences"]} == {0.0}
    messages = []
    finish_road(run, "evaluation", quiet_reporter(messages))
    assert messages == ["evaluation: done already"]


def test_the_terminal_and_the_model_card_show_the_shares_of_the_file(small_run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    written = json.loads((small_run / "evaluation/toxicity.json").read_text())
    (row,) = shares(written, lang="all", kind="provoking", decoding="sampled", dimension="any", level=1.0)
    cell = f"{row['share']:.1%} ({100 * row['low']:.1f}-{100 * row['high']:.1f})"
    print_summary(small_run, finish_road(small_run, "evaluation", quiet_reporter()))
    table = capsys.readouterr().out
    card = (small_run / "release/README.md").read_text()
    for shown in (table, card.partition("## Harmful continuations")[2].partition("##")[0]):
        (line,) = (line for line in shown.splitlines() if line.strip(" |").startswith("provoking, sampled"))
        assert cell in line
        assert "320" in line
    assert "octavo's own small classifier" in card
    assert "| Latin: neutral, greedy | 40 |" in card
