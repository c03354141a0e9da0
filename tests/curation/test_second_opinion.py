"""A second classifier's scores against transformers asked one text at a time, and what is refused with which words."""

import json
import random
import shutil
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import get_args

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2Model,
    DebertaV2PreTrainedModel,
    DebertaV2Tokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from octavo.curation.second_opinion import files as second_opinion_files
from octavo.curation.second_opinion.asking import batches, second_scores
from octavo.curation.second_opinion.model import find_heads, forget, load_second_opinion
from octavo.curation.toxicity.scoring import DIMENSIONS
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.recipe.second_opinion import Dimension, SecondOpinion

LOT = random.Random(5)
WORDS = ["".join(LOT.choices("abcdeéghilmnorstu", k=LOT.randint(2, 7))) for _ in range(300)]
TEXTS = [" ".join(LOT.choices(WORDS, k=LOT.choice([1, 3, 8, 20, 45]))) for _ in range(60)]
LONG = " ".join(LOT.choices(WORDS, k=400))

NOT_ALIKE = 0.02
"""Scores of unlike texts differ by more, so that a mistake in which is whose would be seen."""


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Models this small gain nothing by threads, and lose much where other tests run beside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def word_pieces(folder, ends=True):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator([*TEXTS, LONG], trainers.WordPieceTrainer(vocab_size=250, special_tokens=special))
    if ends:
        both = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=both)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def unigrams(folder):
    """The tokenizer of DeBERTa with a vocabulary of its own."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    trainer = trainers.UnigramTrainer(
        vocab_size=250, special_tokens=special, unk_token="[UNK]", show_progress=False
    )
    tokenizer.train_from_iterator([*TEXTS, LONG], trainer)
    pieces = [tuple(piece) for piece in json.loads(tokenizer.to_str())["model"]["vocab"]]
    DebertaV2Tokenizer(vocab=pieces, model_max_length=64).save_pretrained(folder)
    return len(pieces)


def enlivened(model):
    """Random weights, larger than those that training starts from, so that scores of texts differ."""
    torch.manual_seed(11)
    for name, weights in model.named_parameters():
        if weights.dim() > 1:
            nn.init.normal_(weights, std=0.3 if "embed" in name else 0.2)
    return model.eval()


def small(config, vocabulary, **more):
    return config(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        pad_token_id=0,
        **more,
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """Of its three labels one holds."""
    folder = tmp_path_factory.mktemp("bert")
    labels = {0: "fine", 1: "insult", 2: "threat"}
    config = small(BertConfig, word_pieces(folder), id2label=labels, label2id={v: k for k, v in labels.items()})
    enlivened(BertForSequenceClassification(config)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Each of its labels may hold, and positions are counted from behind the padding's."""
    folder = tmp_path_factory.mktemp("several")
    labels = {0: "toxic", 1: "severe_toxic", 2: "sectarian"}
    config = small(
        RobertaConfig,
        word_pieces(folder),
        id2label=labels,
        label2id={v: k for k, v in labels.items()},
        problem_type="multi_label_classification",
    )
    enlivened(RobertaForSequenceClassification(config)).save_pretrained(folder)
    return folder


class LikeCeladon(DebertaV2PreTrainedModel):
    """Five heads of four classes on the first token, as Celadon's repository builds them with code of its own."""

    def __init__(self, config):
        super().__init__(config)
        self.deberta = DebertaV2Model(config)
        self.heads = nn.ModuleList([nn.Linear(config.hidden_size, 4) for _ in range(5)])
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None):
        first = self.deberta(input_ids=input_ids, attention_mask=attention_mask)[0][:, 0, :]
        return torch.stack([head(first) for head in self.heads], dim=1)


@pytest.fixture(scope="module")
def celadon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("celadon")
    config = small(
        DebertaV2Config,
        unigrams(folder),
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    )
    enlivened(LikeCeladon(config)).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["LikeCeladon"]
    return folder


def settings(folder, **more):
    return SecondOpinion(model=str(folder), **({"max_tokens": 48, "device": "cpu"} | more))


INSULTS = {"insult": {"violence_abuse": 2.0}, "threat": {"violence_abuse": 3.0, "religion": 1.0}}


def one_by_one(model, folder, texts):
    """The logits of transformers, a text at a time, nothing padded, cut off after 48 tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        for text in texts:
            made = tokenizer(text, truncation=True, max_length=48, return_tensors="pt")
            found = model(input_ids=made["input_ids"], attention_mask=made["attention_mask"])
            yield (found if isinstance(found, torch.Tensor) else found.logits)[0]


def short(folder, tokens=48):
    """The texts that need no window."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [text for text in TEXTS if len(tokenizer(text)["input_ids"]) <= tokens]


def test_of_a_softmax_the_level_is_the_sum_of_probability_times_level(bert):
    texts = short(bert)
    found = second_scores(texts, settings(bert, labels=INSULTS))
    model = AutoModelForSequenceClassification.from_pretrained(bert).eval()
    shares = torch.stack([logits.softmax(0) for logits in one_by_one(model, bert, texts)]).numpy()
    assert found.dtype == np.float32
    assert found.shape == (len(texts), 5)
    assert np.ptp(shares[:, 2]) > NOT_ALIKE
    np.testing.assert_allclose(found[:, 4], 2 * shares[:, 1] + 3 * shares[:, 2], atol=1e-4)
    np.testing.assert_allclose(found[:, 2], shares[:, 2], atol=1e-4)
    assert np.isnan(found[:, [0, 1, 3]]).all()


def test_of_sigmoids_the_level_is_the_highest_of_probability_times_level(several):
    texts = short(several)
    means = {
        "toxic": {"violence_abuse": 2.0},
        "severe_toxic": {"violence_abuse": 3.0},
        "sectarian": {"religion": 3.0},
    }
    found = second_scores(texts, settings(several, labels=means))
    model = AutoModelForSequenceClassification.from_pretrained(several).eval()
    held = torch.stack([logits.sigmoid() for logits in one_by_one(model, several, texts)]).numpy()
    np.testing.assert_allclose(found[:, 4], np.maximum(2 * held[:, 0], 3 * held[:, 1]), atol=1e-4)
    np.testing.assert_allclose(found[:, 2], 3 * held[:, 2], atol=1e-4)
    assert ((2 * held[:, 0] > 3 * held[:, 1]).any(), (2 * held[:, 0] < 3 * held[:, 1]).any()) == (True, True)


def test_the_heads_of_celadon_are_found_and_give_the_five_dimensions_in_their_order(celadon):
    texts = short(celadon)
    found = second_scores(texts, settings(celadon))
    model = LikeCeladon.from_pretrained(celadon).eval()
    logits = torch.stack(list(one_by_one(model, celadon, texts)))
    expected = (logits.softmax(2) * torch.arange(4)).sum(2).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert (np.ptp(expected, axis=0) > NOT_ALIKE).all()
    assert not np.allclose(expected[:, 0], expected[:, 1], atol=NOT_ALIKE)


def test_a_model_for_generation_that_classifies_by_its_last_token_is_read_too(bert, tmp_path):
    vocabulary = word_pieces(tmp_path, ends=False)
    config = GPT2Config(vocab_size=vocabulary, n_positions=64, n_embd=32, n_layer=2, n_head=4, num_labels=2)
    config.bos_token_id = config.eos_token_id = 3
    enlivened(GPT2ForSequenceClassification(config)).save_pretrained(tmp_path)
    texts = short(tmp_path)
    found = second_scores(texts, settings(tmp_path, labels={"LABEL_1": {"ability": 3}}))
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    shares = torch.stack([logits.softmax(0) for logits in one_by_one(model, tmp_path, texts)]).numpy()
    np.testing.assert_allclose(found[:, 3], 3 * shares[:, 1], atol=1e-4)
    blank = second_scores(["", texts[0], " "], settings(tmp_path, labels={"LABEL_1": {"ability": 3}}))
    np.testing.assert_allclose(blank[:, 3], [0, found[0, 3], 0], atol=1e-4)
    assert second_scores([""], settings(tmp_path, labels={"LABEL_1": {"ability": 3}}))[0, 3] == 0


@pytest.mark.parametrize("kind", ["bert", "celadon"])
def test_neither_order_nor_batches_change_a_score(kind, request):
    folder = request.getfixturevalue(kind)
    given_labels = {"labels": INSULTS} if kind == "bert" else {}
    ask = partial(second_scores, settings=settings(folder, **given_labels))
    texts = [*TEXTS, LONG, ""]
    found = ask(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    np.testing.assert_allclose(ask([texts[place] for place in order]), found[order], atol=1e-4)
    alone = np.concatenate([ask([text]) for text in texts[-12:]])
    np.testing.assert_allclose(alone, found[-12:], atol=1e-4)
    tiny = second_scores(texts, settings(folder, batch_tokens=1, **given_labels))
    np.testing.assert_allclose(tiny, found, atol=1e-4)


def test_more_texts_than_are_sorted_at_once_keep_their_places(bert, monkeypatch):
    monkeypatch.setattr("octavo.curation.second_opinion.asking.AT_ONCE", 7)
    told = []
    progress = Progress(update=lambda done, total, note: told.append((done, total)))
    found = second_scores(TEXTS, settings(bert, labels=INSULTS), progress)
    monkeypatch.undo()
    np.testing.assert_allclose(found, second_scores(TEXTS, settings(bert, labels=INSULTS)), atol=1e-4)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(TEXTS), len(TEXTS))


def test_a_long_text_is_read_to_its_end_and_has_the_highest_score_of_its_windows(celadon):
    tokenizer = AutoTokenizer.from_pretrained(celadon)
    ids = tokenizer(LONG, add_special_tokens=False)["input_ids"]
    inner, step = 46, 40  # two ends are added, and 48 / 8 tokens are read twice
    windows = [ids[start : start + inner] for start in range(0, len(ids) - (inner - step), step)]
    assert len(windows) > 10
    assert windows[-1][-1] == ids[-1]
    model = LikeCeladon.from_pretrained(celadon).eval()
    ends = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
    with torch.inference_mode():
        logits = torch.cat([model(torch.tensor([ends[0] + window + ends[1]])) for window in windows])
    expected = (logits.softmax(2) * torch.arange(4)).sum(2).numpy()
    found = second_scores(["short", LONG], settings(celadon))[1]
    np.testing.assert_allclose(found, expected.max(axis=0), atol=1e-4)
    assert (found - expected[0] > NOT_ALIKE).any()  # cut off, it would have scored less


def test_no_text_asks_no_model():
    assert second_scores([], settings("/nowhere")).shape == (0, 5)


def test_a_model_is_loaded_once_for_many_calls(bert):
    asked = settings(bert, labels=INSULTS)
    first = load_second_opinion(asked)
    for text in TEXTS[:3]:
        second_scores([text], asked)
    assert load_second_opinion(asked) is first


def test_another_model_in_the_same_folder_is_read_anew(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "model")
    asked = settings(folder, labels=INSULTS)
    before = second_scores(TEXTS[:3], asked)
    weights = load_file(folder / "model.safetensors")
    save_file({name: -tensor for name, tensor in weights.items()}, folder / "model.safetensors")
    assert not np.allclose(second_scores(TEXTS[:3], asked), before, atol=1e-4)


def test_it_stops_between_two_batches_when_asked(bert):
    answers = iter([False, True])
    with pytest.raises(StoppedError):
        second_scores(
            TEXTS, settings(bert, labels=INSULTS, batch_tokens=64), Progress(stopping=lambda: next(answers))
        )


@given(st.lists(st.integers(1, 600), max_size=80), st.integers(1, 2000))
def test_batches_hold_every_place_once_within_their_tokens_and_little_padding(lengths, batch_tokens):
    found = [batch.tolist() for batch in batches(lengths, batch_tokens)]
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    for batch in found:
        held = [lengths[place] for place in batch]
        assert len(batch) == 1 or len(batch) * max(held) <= batch_tokens
        assert len(batch) * max(held) <= batch_tokens / 8 or min(held) >= max(held) * 7 / 8
    for longer, shorter in pairwise(found):
        assert min(lengths[place] for place in longer) >= max(lengths[place] for place in shorter)


def test_the_dimensions_of_the_settings_are_the_classifier_s():
    assert get_args(Dimension) == DIMENSIONS


# What is refused.


def refused(*said, **made):
    with pytest.raises(InputError) as caught:
        second_scores(["a"], settings(**made))
    for words in said:
        assert words in str(caught.value)


def copied(folder, target):
    return Path(shutil.copytree(folder, target, dirs_exist_ok=True))


def test_labels_that_the_model_lacks_are_told_with_those_that_it_has(bert):
    labels = {"toxic": {"religion": 3.0}, "insult": {"religion": 1.0}}
    refused("second_opinion.labels: found toxic,", "fine, insult, threat", folder=bert, labels=labels)


def test_without_labels_a_classifier_of_no_dimensions_is_refused(bert):
    refused("second_opinion.labels: found none", "it has fine, insult, threat", folder=bert)


def test_labels_for_a_model_with_heads_are_refused(celadon):
    refused("labels: found toxic, expected none", folder=celadon, labels={"toxic": {"religion": 3.0}})


@pytest.mark.parametrize("labels", [{"a": {"politics": 3}}, {"a": {"religion": 4}}, {"a": {"religion": -1}}])
def test_unknown_dimensions_and_levels_out_of_range_are_refused(labels):
    with pytest.raises(ValueError, match=r"labels\.a"):
        SecondOpinion(model="m", labels=labels)


def test_more_tokens_than_the_model_reads_are_refused(bert, several):
    refused("max_tokens: found 512, expected at most 64", folder=bert, labels=INSULTS, max_tokens=512)
    labels = {"toxic": {"violence_abuse": 3.0}}
    refused("max_tokens: found 64, expected at most 63", folder=several, labels=labels, max_tokens=64)


def test_a_gpu_that_is_not_there_is_told(bert, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused("device: found cuda, but no GPU", folder=bert, labels=INSULTS, device="cuda")


def test_transformers_that_is_not_installed_is_named_with_its_extra(bert, monkeypatch):
    forget()
    for name in [name for name in sys.modules if name.split(".")[0] == "transformers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(
        "second_opinion needs transformers: pip install '.[classifiers]' in octavo's checkout",
        folder=bert,
        labels=INSULTS,
    )


def test_pickled_weights_are_not_read(bert, tmp_path):
    folder = copied(bert, tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    refused("found config.json, pytorch_model.bin", "expected weights in model.safetensors", folder=folder)


def test_files_that_are_missing_or_damaged_are_named(bert, tmp_path):
    refused("found no file, expected config.json", folder=tmp_path)
    folder = copied(bert, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"no tensors at all")
    refused("model.safetensors: found no safetensors", folder=folder, labels=INSULTS)
    shutil.copy(bert / "model.safetensors", folder)
    (folder / "config.json").write_text('{"model_type": "babel"}')
    refused("cannot be loaded as a classifier", "babel", folder=folder, labels=INSULTS)


def test_a_missing_tokenizer_is_told(bert, tmp_path):
    folder = copied(bert, tmp_path)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    refused("expected a vocabulary, such as tokenizer.json", folder=folder, labels=INSULTS)
    (folder / "tokenizer.json").write_text("{}")
    refused("found no tokenizer that can be loaded", "expected tokenizer.json", folder=folder, labels=INSULTS)


def test_a_tokenizer_of_another_model_is_refused(bert, tmp_path):
    folder = copied(bert, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    known = len(tokenizer)
    tokenizer.add_tokens([f"word{number}" for number in range(9)])
    tokenizer.save_pretrained(folder)
    refused(f"a tokenizer of {known + 9} tokens, expected at most {known}", folder=folder, labels=INSULTS)


def test_a_model_without_the_classifier_s_weights_is_refused_instead_of_drawn_by_lot(bert, tmp_path):
    folder = copied(bert, tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    refused(
        "no weights of classifier.weight",
        "found beside the encoder classifier.bias [3]",
        folder=folder,
        labels=INSULTS,
    )


def test_an_encoder_without_all_its_weights_is_refused(celadon, tmp_path):
    folder = copied(celadon, tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["deberta.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    refused("no weights of encoder.layer.1.output.dense.weight", folder=folder)


def test_heads_of_another_number_are_told_with_what_is_expected(celadon, tmp_path):
    folder = copied(celadon, tmp_path)
    weights = load_file(folder / "model.safetensors")
    for name in ("heads.4.weight", "heads.4.bias"):
        del weights[name]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    refused("heads heads.0, heads.1, heads.2, heads.3 of 4 classes", "expected 5 of 4 classes", folder=folder)


def test_code_of_a_model_s_repository_is_never_run(celadon, tmp_path):
    folder = copied(celadon, tmp_path)
    (folder / "model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model:\n    pass\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = dict.fromkeys(("AutoModel", "AutoModelForSequenceClassification"), "model.Model")
    (folder / "config.json").write_text(json.dumps(config))
    assert np.isfinite(second_scores(["a"], settings(folder))).all()
    config["model_type"] = "of-its-own"
    config["auto_map"]["AutoConfig"] = "model.Model"
    (folder / "config.json").write_text(json.dumps(config))
    forget()
    refused("cannot be loaded as a classifier", folder=folder)
    assert not (tmp_path / "ran").exists()


def test_scores_that_are_no_numbers_are_no_scores(bert, tmp_path):
    folder = copied(bert, tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"][:] = torch.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(OctavoError, match="no numbers"):
        second_scores(["a"], settings(folder, labels=INSULTS))


def test_a_batch_that_memory_does_not_hold_is_told_with_the_setting(bert, monkeypatch):
    def full(self, input_ids, attention_mask=None):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(BertForSequenceClassification, "forward", full)
    refused("second_opinion.batch_tokens: 8192 do not fit", "expected fewer", folder=bert, labels=INSULTS)


def test_weights_in_half_precision_and_without_metadata_are_read(celadon, tmp_path):
    folder = copied(celadon, tmp_path)
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor.half() for name, tensor in weights.items()}, folder / "model.safetensors")
    found = second_scores(TEXTS[:9], settings(folder))
    np.testing.assert_allclose(found, second_scores(TEXTS[:9], settings(celadon)), atol=NOT_ALIKE)


def head(stem, classes, width=8):
    return {f"{stem}.weight": (classes, width), f"{stem}.bias": (classes,)}


def test_heads_are_found_by_number_or_by_the_dimension_they_are_named_after():
    encoder = head("deberta.layer.0", 4)
    numbered = {k: v for n in (3, 1, 0, 4, 2) for k, v in head(f"classifiers.{n}", 4).items()}
    assert find_heads(encoder | numbered, "deberta", 8) == [f"classifiers.{n}" for n in range(5)]
    named = {k: v for name in sorted(DIMENSIONS) for k, v in head(f"{name}_head", 4).items()}
    assert find_heads(encoder | named, "deberta", 8) == [f"{name}_head" for name in DIMENSIONS]
    assert find_heads(encoder | head("pooler.dense", 8) | head("classifier", 4), "deberta", 8) is None
    with pytest.raises(ValueError, match="heads a, b, c, d, e of 4 classes"):
        find_heads({k: v for name in "abcde" for k, v in head(name, 4).items()}, "deberta", 8)


# Folders and the hub.


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub's cache, and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    forget()
    return tmp_path


def test_a_model_in_the_hub_s_cache_is_used_without_a_network(hub, bert):
    home = hub / "models--some--classifier"
    copied(bert, home / "snapshots" / ("a" * 40))
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    found = second_scores(TEXTS[:4], settings("some/classifier", labels=INSULTS))
    np.testing.assert_allclose(found, second_scores(TEXTS[:4], settings(bert, labels=INSULTS)), atol=1e-4)


def test_without_a_network_a_model_that_is_not_in_the_cache_is_refused(hub):
    refused("second_opinion.model: some/classifier", "the hub cannot be reached", folder="some/classifier")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    refused("missing/model: found no such folder", folder=tmp_path / "missing" / "model")


def test_a_folder_has_no_revision(bert):
    refused("revision: found v1, expected none of a folder", folder=bert, revision="v1")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (RepositoryNotFoundError, "second_opinion.model: some/classifier: found neither a folder nor a model"),
        (RevisionNotFoundError, "second_opinion.revision: some/classifier: found no revision v1"),
        (GatedRepoError, "gives it only to those who agreed to its terms"),
    ],
)
def test_what_the_hub_refuses_is_told(kind, said, monkeypatch):
    def fetch(*_, **__):
        raise kind("no", response=type("Response", (), {"headers": {}, "request": None})())

    monkeypatch.setattr(second_opinion_files, "snapshot_download", fetch)
    forget()
    refused(said, folder="some/classifier", revision="v1")


def test_a_vocabulary_of_sentencepiece_alone_is_read(celadon, tmp_path, monkeypatch):
    import sentencepiece

    folder = copied(celadon, tmp_path)
    (folder / "tokenizer.json").unlink()
    (tmp_path / "texts.txt").write_text("\n".join([*TEXTS, LONG]))
    pieces = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "texts.txt"),
        model_prefix=str(folder / "spm"),
        vocab_size=150,
        minloglevel=2,
        **{f"{name}_id": number for number, name in enumerate(("pad", "bos", "eos", "unk"))},
        **{f"{name}_piece": piece for name, piece in zip(("pad", "bos", "eos", "unk"), pieces, strict=True)},
    )
    own = sentencepiece.SentencePieceProcessor(str(folder / "spm.model"))
    model = LikeCeladon.from_pretrained(celadon).eval()
    texts = [text for text in TEXTS if len(own.encode(text)) <= 46]
    with torch.inference_mode():
        logits = torch.cat([model(torch.tensor([[1, *own.encode(text), 2]])) for text in texts])
    found = second_scores(texts, settings(folder))
    np.testing.assert_allclose(found, (logits.softmax(2) * torch.arange(4)).sum(2).numpy(), atol=1e-4)

    forget()
    monkeypatch.setattr("octavo.curation.second_opinion.model.find_spec", lambda name: None)
    refused("needs sentencepiece for", "pip install '.[classifiers]' in octavo's checkout", folder=folder)
