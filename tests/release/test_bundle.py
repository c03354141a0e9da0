import json
import re
import shutil

import numpy as np
import pytest
import torch
import yaml
from gguf import GGUFReader
from safetensors.torch import load_file
from transformers import AutoTokenizer, GenerationConfig

from octavo.errors import InputError
from octavo.evaluation.report.figures import HarmfulSample, Report
from octavo.modeling.gguf.writing import pre_tokenizer_name
from octavo.modeling.hf import to_hf_names
from octavo.release.model_card import model_card
from octavo.stages import figures_of, stages_of, trained_model
from tests.conftest import small_recipe
from tests.evaluation.test_tasks import measured, rightly


def test_the_weights_are_the_trained_ones_in_bf16(small_run):
    released = load_file(small_run / "release/model.safetensors")
    trained = to_hf_names(trained_model(small_recipe(), small_run))
    assert set(released) == set(trained)
    assert all(torch.equal(released[name], trained[name].to(torch.bfloat16)) for name in trained)


def test_whoever_may_read_one_file_of_a_release_may_read_all(small_run):
    files = [path for path in (small_run / "release").rglob("*") if path.is_file()]
    assert len({path.stat().st_mode for path in files}) == 1


def test_the_f32_gguf_holds_the_trained_weights_to_the_bit(small_run):
    tensors = {t.name: np.array(t.data) for t in GGUFReader(small_run / "release/gguf/small-F32.gguf").tensors}
    trained = to_hf_names(trained_model(small_recipe(), small_run))
    assert np.array_equal(tensors["token_embd.weight"], trained["model.embed_tokens.weight"].numpy())
    assert np.array_equal(tensors["blk.1.ffn_down.weight"], trained["model.layers.1.mlp.down_proj.weight"].numpy())
    assert len(tensors) == len(trained)


def test_the_recommended_decoding_is_greedy_with_a_repetition_penalty(small_run):
    raw = json.loads((small_run / "release/generation_config.json").read_text())
    assert (raw["temperature"], raw["repetition_penalty"], raw["do_sample"]) == (0.0, 1.1, False)
    assert GenerationConfig.from_pretrained(small_run / "release").repetition_penalty == 1.1


def test_the_release_leaves_the_length_of_a_text_to_the_program_that_asks_for_it(small_run):
    """A length in generation_config.json counts more with lm-eval's class for transformers than what a task says."""
    raw = json.loads((small_run / "release/generation_config.json").read_text())
    assert not {"max_new_tokens", "max_length"} & raw.keys()


def test_the_tokenizer_files_name_begin_end_and_pad(small_run):
    tokenizer = AutoTokenizer.from_pretrained(small_run / "release")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 0)
    assert tokenizer.model_max_length == 128
    special = json.loads((small_run / "release/special_tokens_map.json").read_text())
    assert special["bos_token"] == "<|begin_of_text|>"


def test_the_model_cards_metadata_is_what_the_hub_validates(small_run):
    from huggingface_hub import ModelCard

    card = ModelCard.load(small_run / "release/README.md")
    assert card.data.license == "apache-2.0"
    assert set(card.data.language) == {"en", "fr", "es", "de", "it", "nl", "la", "pt"}
    assert yaml.safe_load(card.content.split("---")[1])["pipeline_tag"] == "text-generation"


def test_the_figures_of_the_model_card_are_those_that_were_measured(small_run):
    card = (small_run / "release/README.md").read_text()
    figures = json.loads((small_run / "evaluation/bits_per_byte.json").read_text())
    for row in figures["languages"].values():
        bits = row["bits_per_byte"]
        assert f"| {row['bytes']:,} | {bits['model']:.3f} | {bits['xz']:.3f} | {bits['unigram']:.3f} |" in card
    report = json.loads((small_run / "corpus/report.json").read_text())
    assert f"{report['kept']['documents']:,} ({report['kept']['bytes']:,} bytes) were kept" in card
    assert "{{" not in card


def test_the_report_lies_beside_the_model_where_the_card_points(small_run, tmp_path):
    release = tmp_path / "moved"
    shutil.copytree(small_run / "release", release)
    links = set(re.findall(r"\]\((evaluation/[^)]*)\)", (release / "README.md").read_text()))
    assert links == {"evaluation/report.html", "evaluation/report.json"}
    for link in links:
        assert (release / link).read_bytes() == (small_run / link).read_bytes()


def test_what_the_model_writes_is_told_by_the_figures_that_were_measured(small_run):
    card = (small_run / "release/README.md").read_text()
    found = {
        name: json.loads((small_run / f"evaluation/{name}.json").read_text())
        for name in ("adherence", "repetition", "memorization")
    }
    for row in found["adherence"]["adherence"]:
        if (row["lang"], row["temperature"]) == ("all", 0.0):
            assert f" | {told(row['kept_of_all'])} of {row['n']} |" in section(card, "Language")
    loops = [
        r for r in found["repetition"]["repetition"] if (r["temperature"], r["repetition_penalty"]) == (0.0, 1.1)
    ]
    line = f"| ends in a loop, penalty 1.1 | {told(loops[0]['loops'])} of {loops[0]['n']} |"
    assert line in section(card, "Repetition")
    [row] = [
        r
        for r in found["memorization"]["extraction"]
        if (r["seen_least"], r["seen_most"], r["prompt_tokens"]) == (1, None, 64)
    ]
    line = f"| training texts given back | {told(row['extractable'])} of {row['n']}, after 64 tokens |"
    assert line in section(card, "Memorization")


def test_the_card_tells_tasks_and_old_spelling_where_they_were_measured_and_else_nothing(small_run, tmp_path):
    figures = {stage.name: figures_of(small_run, stage) for stage in stages_of(small_recipe())[:-1]}
    config = trained_model(small_recipe(), small_run).config
    rows, content = measured(tmp_path, rightly, shots=[0])
    rate = {"value": 0.5, "low": 0.4, "high": 0.6}
    spelled = {"lang": "la", "feature": "long_s", "works": 7, "agreement": {"greedy": rate}, "old_likelier": None}
    evaluation = figures["evaluation"] | {
        "tasks": {"tasks": content["tasks"]},
        "writing": figures["evaluation"]["writing"] | {"orthography": [spelled]},
    }
    card = model_card(small_recipe(), None, config, figures | {"evaluation": evaluation}, {}, report_of(small_run))
    before = rows["ocr", 0]["error_rate_before"]
    untouched = f"{before['value']:.1%} ({100 * before['low']:.1f}-{100 * before['high']:.1f})"
    line = f"| OCR correction, German, no example | {rows['ocr', 0]['n']} | CER 0.0% (0.0-0.0) | {untouched} |"
    assert line in section(card, "Document tasks")
    assert "| Latin, long s | 7 | - | 50.0% (40.0-60.0) |" in section(card, "Old spelling")
    evaluation = figures["evaluation"] | {"writing": {}, "memorization": {}, "tasks": {}}
    card = model_card(small_recipe(), None, config, figures | {"evaluation": evaluation}, {}, None)
    assert "###" not in card.partition("## Training data")[0]
    assert "report.html" not in card


def report_of(run):
    return Report.model_validate_json((run / "evaluation/report.json").read_bytes())


def card_of(small_run, report=None, quantised=None, **changes):
    """The card of the small run under another recipe."""
    figures = {stage.name: figures_of(small_run, stage) for stage in stages_of(small_recipe())[:-1]}
    config = trained_model(small_recipe(), small_run).config
    return model_card(small_recipe(**changes), None, config, figures, {}, report, quantised)


def metadata_of(card):
    return yaml.safe_load(card.split("---")[1])


def test_the_results_of_the_cards_metadata_are_those_that_were_measured(small_run):
    from huggingface_hub import ModelCard

    results = ModelCard.load(small_run / "release/README.md").data.eval_results
    bits = json.loads((small_run / "evaluation/bits_per_byte.json").read_text())["languages"]
    found = {one.dataset_config: one.metric_value for one in results if one.metric_type == "bits_per_byte"}
    assert {lang: found[lang] for lang in bits} == {
        lang: pytest.approx(row["bits_per_byte"]["model"], abs=1e-6) for lang, row in bits.items()
    }
    assert not any("unigram" in one.metric_type for one in results)
    assert any(
        one.metric_type.startswith("ends_in_a_loop") and one.metric_args["confidence"] == 0.95 for one in results
    )


@pytest.mark.parametrize(
    ("spdx", "expected"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("CC-BY-SA-4.0", {"license": "cc-by-sa-4.0"}),
        ("GPL-3.0-or-later", {"license": "gpl-3.0"}),
        ("ODbL-1.0", {"license": "odbl"}),
        (
            "EUPL-1.2",
            {
                "license": "other",
                "license_name": "eupl-1.2",
                "license_link": "https://spdx.org/licenses/EUPL-1.2.html",
            },
        ),
        ("LicenseRef-Our Own", {"license": "other", "license_name": "licenseref-our-own"}),
    ],
)
def test_a_licence_that_the_hub_does_not_list_is_named_beside_it(small_run, spdx, expected):
    found = metadata_of(card_of(small_run, release={"license": spdx}))
    assert {name: value for name, value in found.items() if name.startswith("license")} == expected


def test_data_sets_are_named_that_are_on_the_hub_and_no_others(small_run):
    paths = [
        "builtin:starter",
        "hf://datasets/library/books",
        "hf://datasets/library/books/part.parquet",
        "/mnt/library",
    ]
    found = metadata_of(card_of(small_run, corpus={"sources": [{"path": path} for path in paths]}))
    assert found["datasets"] == ["library/books"]
    assert "datasets" not in metadata_of(card_of(small_run))


def test_the_emissions_of_the_training_are_told_where_its_country_is_known(small_run):
    from octavo.energy import co2eq_grams

    assert "co2_eq_emissions" not in metadata_of(card_of(small_run))
    [training] = [stage for stage in stages_of(small_recipe()) if stage.name == "training"]
    energy = figures_of(small_run, training)["energy"]
    found = metadata_of(card_of(small_run, provider={"country": "FRA"}))["co2_eq_emissions"]
    assert found["emissions"] == pytest.approx(co2eq_grams(energy["joules"], "FRA"), abs=1e-6)
    assert (found["source"], found["training_type"], found["geographical_location"]) == (
        "codecarbon",
        "pre-training",
        "FRA",
    )


def test_the_card_says_what_the_model_is_for_and_what_not(small_run):
    usual = card_of(small_run).partition("## Uses\n")[2].partition("\n## ")[0]
    assert "To continue text in its languages" in usual
    assert "- Chat, and following instructions: it was tuned for neither." in usual
    told = {"intended_uses": "For\n# <script>alert(1)</script>", "acceptable_use": "*None* of it."}
    card = card_of(small_run, provider=told)
    assert "For # \\<script>alert(1)\\</script>" in card
    assert "- What its provider rules out: \\*None\\* of it." in card


def test_samples_that_do_no_honour_are_chosen_by_rule(small_run):
    report = report_of(small_run)
    own = report.models[0]
    calm, looping = "Il était une fois un roi.", "ha ha ha ha ha ha ha ha"
    samples = [
        own.samples[0].model_copy(update={"id": str(n), "prompt": f"Prompt {n}", "continuation": text})
        for n, text in enumerate([calm, looping, calm + " La la la la.", ""])
    ]
    harmful = HarmfulSample(
        id="h", lang="en", prompt="They", continuation=" <b>hate</b>", score=2.7, kind="neutral", decoding="greedy"
    )
    models = [own.model_copy(update={"samples": samples, "harmful": [harmful], "copied": []})]
    card = section(card_of(small_run, report.model_copy(update={"models": models})), "Unflattering samples")
    assert card.count("the model wrote:") == 3
    assert "> Prompt 3\n\nthe model wrote:\n\n> *nothing*" in card
    assert (
        f"of 21 runs of 3 characters, 3 are different**\n\nAfter:\n\n> Prompt 1\n\nthe model wrote:\n\n> {looping}"
        in card
    )
    assert "the highest score for harm, 2.7 of 3, after a neutral prompt (greedy)" in card
    assert "\\<b>hate\\</b>" in card
    assert calm not in card
    assert "Unflattering" not in card_of(small_run)


def test_ethical_filtering_is_told_with_its_figures(small_run):
    filtering = section(card_of(small_run), "Ethical filtering")
    found = json.loads((small_run / "corpus/report.json").read_text())
    for outcome, row in found["toxicity"]["outcomes"].items():
        assert f"| {outcome} | {row['passages']:,} | {row['bytes']:,} |" in filtering
    assert f"in {found['changes']['personal-data']['documents']:,} documents that stayed" in filtering
    kept = section(card_of(small_run, curation={"personal_data": "keep"}), "Ethical filtering")
    assert "Personal data stands in the texts as it came" in kept


def section(card, name):
    return card.partition(f"### {name}\n")[2].partition("\n#")[0]


def told(found):
    return f"{found['share']:.1%} ({100 * found['low']:.1f}-{100 * found['high']:.1f})"


def test_the_samples_of_the_model_card_are_what_the_release_writes(small_run):
    from octavo.inference.engine import prompt_tokens
    from octavo.inference.torch_engine import TorchEngine
    from octavo.modeling.decoding import Decoding

    card = (small_run / "release/README.md").read_text()
    engine = TorchEngine(small_run / "release")
    (written,) = engine.texts([prompt_tokens(engine, "Erat olim")], Decoding(max_tokens=64))
    assert f"**Erat olim**{written.text.split(chr(10))[0].rstrip()}" in card


def byte_level(*splits, normalizer=None, prefix=False):
    """Byte-level BPE that is split by patterns, or as GPT-2 splits."""
    from tokenizers import Regex, Tokenizer, models
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    tokenizer = Tokenizer(models.BPE())
    parts = [Split(Regex(pattern), "isolated") for pattern in splits]
    last = ByteLevel(add_prefix_space=prefix, use_regex=not splits)
    tokenizer.pre_tokenizer = Sequence([*parts, last]) if parts else last
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


LLAMA3 = (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)


def test_splits_that_llama_cpp_has_are_known_by_its_names():
    assert pre_tokenizer_name(byte_level()) == "gpt-2"
    assert pre_tokenizer_name(byte_level(LLAMA3)) == "llama-bpe"
    assert pre_tokenizer_name(byte_level(LLAMA3.replace("{1,3}", ""))) == "qwen2"


@pytest.mark.parametrize("kind", ["words", "two digits", "a space before", "normalised"])
def test_a_tokenizer_that_llama_cpp_would_read_otherwise_is_refused_for_gguf(kind):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = {
        "words": words,
        "two digits": byte_level(LLAMA3.replace("{1,3}", "{1,2}")),
        "a space before": byte_level(prefix=True),
        "normalised": byte_level(normalizer=normalizers.NFC()),
    }[kind]
    with pytest.raises(InputError, match="take the gguf formats out"):
        pre_tokenizer_name(tokenizer)
