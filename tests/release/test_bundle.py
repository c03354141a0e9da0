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
from octavo.modeling.gguf import pre_tokenizer_name
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
    card = model_card(small_recipe(), config, figures | {"evaluation": evaluation}, {}, report=True)
    before = rows["ocr", 0]["error_rate_before"]
    untouched = f"{before['value']:.1%} ({100 * before['low']:.1f}-{100 * before['high']:.1f})"
    line = f"| OCR correction, German, no example | {rows['ocr', 0]['n']} | CER 0.0% (0.0-0.0) | {untouched} |"
    assert line in section(card, "Document tasks")
    assert "| Latin, long s | 7 | - | 50.0% (40.0-60.0) |" in section(card, "Old spelling")
    evaluation = figures["evaluation"] | {"writing": {}, "memorization": {}, "tasks": {}}
    card = model_card(small_recipe(), config, figures | {"evaluation": evaluation}, {}, report=False)
    assert "###" not in card
    assert "report.html" not in card


def section(card, name):
    return card.partition(f"### {name}\n")[2].partition("\n#")[0]


def told(found):
    return f"{found['share']:.1%} ({100 * found['low']:.1f}-{100 * found['high']:.1f})"


def test_the_samples_of_the_model_card_are_what_the_release_writes(small_run):
    from octavo.inference.engine import TorchEngine, stream_text
    from octavo.modeling.decoding import Decoding

    card = (small_run / "release/README.md").read_text()
    written = "".join(stream_text(TorchEngine(small_run / "release"), "Erat olim", Decoding(max_tokens=64)))
    assert f"**Erat olim**{written.split(chr(10))[0].rstrip()}" in card


def test_a_tokenizer_that_llama_cpp_would_read_otherwise_is_refused_for_gguf():
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(InputError, match="take the gguf formats out"):
        pre_tokenizer_name(tokenizer)
