"""lm-eval on octavo's engines: what it asks for as tokens, what the engines answer, and the same from its own class."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.inference.harness_engines import open_reader, usual_penalty
from octavo.inference.harness_requests import Pair, pair, windows, writing
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Decoding, cut

BEGIN = 1
ENTRIES = ["a", "b", " ", "\n", " a", " b", "ab", "a b", "b a b", " ab ab"]
"""The last three reach over a space."""
TEXT = st.text("ab \n", max_size=12)
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "lm-eval.md"


def encode(text):
    """The longest entry at each place."""
    tokens = []
    while text:
        entry = max((e for e in ENTRIES if text.startswith(e)), key=len)
        tokens.append(10 + ENTRIES.index(entry))
        text = text[len(entry) :]
    return tokens


def decode(tokens):
    return "".join(ENTRIES[token - 10] for token in tokens if token != BEGIN)


def test_the_rest_of_the_whole_text_is_the_continuation():
    assert pair(encode, BEGIN, True, "a", "bb") == Pair([BEGIN], encode("ab") + encode("b"), encode("a"))
    assert pair(encode, BEGIN, True, "b", " ab") == Pair([BEGIN, *encode("b")], encode(" a") + encode("b"), [])


def test_white_space_at_the_end_of_a_context_belongs_to_the_continuation():
    assert pair(encode, BEGIN, True, "b \n", "b") == Pair([BEGIN, *encode("b")], encode(" \nb"), [])


def test_without_a_context_the_begin_token_stands_before():
    for begins in (True, False):
        for context in ("", " ", "\n\n"):
            assert pair(encode, BEGIN, begins, context, "ab") == Pair([BEGIN], encode(context + "ab"), [])


def test_a_tokenizer_that_begins_with_nothing_is_left_so():
    assert pair(encode, BEGIN, False, "bb", "b") == Pair(encode("bb"), encode("b"), [])
    assert pair(encode, BEGIN, False, "a", "b") == Pair([BEGIN], encode("ab"), encode("a"))


@given(TEXT, TEXT, st.booleans())
@settings(max_examples=300)
def test_both_texts_are_read_whole_and_as_the_tokenizer_cuts_them(context, continuation, begins):
    before, scored, less = pair(encode, BEGIN, begins, context, continuation)
    assert before
    assert [t for t in before + scored if t != BEGIN] == encode(context + continuation)
    assert [t for t in before + less if t != BEGIN] == encode(context.rstrip())
    assert not less or scored[:1] != less[:1]
    assert decode(before + scored) == context + continuation


def test_a_long_text_is_read_in_windows_as_lm_eval_describes_them():
    assert list(windows(range(10, 20), BEGIN, 4)) == [
        ([BEGIN], [10, 11, 12, 13]),
        ([13], [14, 15, 16, 17]),
        ([15, 16, 17], [18, 19]),
    ]
    assert list(windows([], BEGIN, 4)) == []


@given(st.lists(st.integers(10, 99), max_size=40), st.integers(1, 12))
def test_each_token_is_scored_once_after_those_before_it(tokens, window):
    found = list(windows(tokens, BEGIN, window))
    assert [token for _, scored in found for token in scored] == tokens
    place = 0
    for before, scored in found:
        assert len(before) + len(scored) - 1 <= window
        assert before == [BEGIN, *tokens][place + 1 - len(before) : place + 1]
        place += len(scored)
        assert len(before) + len(scored) - 1 == min(window, place)


def test_writing_is_greedy_up_to_the_stops_unless_a_task_says_otherwise():
    assert writing({}, 1024, 1.1) == writing({"until": [], "do_sample": False, "temperature": 0.7}, 1024, 1.1)
    found = writing(
        {"until": "\n", "max_new_tokens": 30, "temperature": 0.0, "top_p": 0.9, "num_beams": 1}, 512, 1.1
    )
    assert found == Decoding(30, repetition_penalty=1.1, stop=("\n",))
    found = writing({"do_sample": True, "temperature": 0.8, "repetition_penalty": 1, "seed": 3}, 512, 1.1)
    assert found == Decoding(256, temperature=0.8, repetition_penalty=1.0, seed=3)
    found = writing({"temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.05}, 512, 1.1)
    assert found == Decoding(256, 0.8, top_k=40, top_p=0.9, min_p=0.05)
    assert writing({}, 128, 1.0).max_tokens == 64


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"max_gen_toks": 128},
            "max_gen_toks: found 128, expected 1 or more, and fewer than the model's context of 128",
        ),
        ({"max_gen_toks": 0}, "max_gen_toks: found 0"),
        ({"max_gen_toks": 2.5}, "max_gen_toks: found 2.5, expected a whole number"),
        ({"until": 3}, "until: found 3, expected a text or a list of texts"),
        ({"until": [3]}, "until: found"),
        ({"temperature": "hot"}, "temperature: found 'hot', expected a number"),
        ({"temperature": float("inf")}, "temperature: found inf"),
        ({"temperature": -1}, "temperature: found -1.0, expected 0, or 0.0001 or more"),
        ({"repetition_penalty": 0}, "repetition_penalty: found 0.0, expected from 0.0001"),
        ({"temperature": 1, "top_p": 1.5}, "top_p: found 1.5, expected over 0 and up to 1"),
        ({"temperature": 1, "typical_p": 0.9}, "typical_p: found 0.9, expected of the settings only until"),
        ({"num_beams": 4}, "num_beams: found 4"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused(arguments, told):
    with pytest.raises(InputError, match=re.escape(f"generation_kwargs: {told}")):
        writing(arguments, 128, 1.0)


def test_a_text_is_cut_where_the_first_stop_begins():
    assert cut("one. two\nthree", ["\n", ". "]) == "one"
    assert cut("one", ["\n"]) == cut("one", []) == "one"


def test_the_penalty_is_that_of_the_directory(small_run, tmp_path):
    assert usual_penalty(small_run) == usual_penalty(small_run / "release") == 1.1
    assert usual_penalty(tmp_path) == 1.0
    (tmp_path / "generation_config.json").write_text("[]")
    with pytest.raises(InputError, match=r"generation_config\.json: found list, expected a JSON object"):
        usual_penalty(tmp_path)


ROWS = [([1, 40, 50], [60, 70]), ([1], [40]), ([1, 40, 50], [61]), ([1, 7], []), ([1] * 90, [9] * 60)]
"""The last one is longer than the context of 128."""


def test_tokens_are_weighed_as_transformers_does(small_run):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(small_run / "release", dtype=torch.float32)
    found = open_reader(small_run, "torch").weigh(ROWS)
    for (before, weighed), likelihood in zip(ROWS, found, strict=True):
        text = [*before, *weighed][-129:]
        with torch.inference_mode():
            logprobs = theirs(torch.tensor([text[:-1]])).logits[0].double().log_softmax(-1)
        places = [(len(text) - 1 - len(weighed) + n, token) for n, token in enumerate(weighed)]
        assert likelihood.nats == pytest.approx(sum(float(logprobs[place]) for place in places), abs=1e-3)
        assert likelihood.likeliest == all(int(logprobs[place].argmax()) == token for place, token in places)


def test_the_likeliest_tokens_are_known_as_such(small_run):
    for engine in (
        open_reader(small_run, "torch"),
        open_reader(small_run / "release/gguf/small-F32.gguf", "llama.cpp"),
    ):
        prompt = [engine.begin, *engine.encode("The old keeper")]
        (text,) = engine.write([prompt], Decoding(6, repetition_penalty=1.0), [0])
        tokens = engine.encode(text)
        rows = [(prompt, tokens), (prompt, [*tokens[:-1], tokens[-1] ^ 1])]
        assert [found.likeliest for found in engine.weigh(rows)] == [True, False], engine.name


def test_llama_cpp_weighs_the_same_in_the_same_precision(small_run):
    ours, theirs = open_reader(small_run, "torch"), open_reader(small_run / "release/gguf/small-F32.gguf", "auto")
    assert (theirs.begin, theirs.begins, theirs.window) == (ours.begin, ours.begins, ours.context - 1)
    for text in ("Les vieux arbres, ſaid he.", "", "日本 <|begin_of_text|>"):
        assert theirs.encode(text) == ours.encode(text)
    for one, other in zip(ours.weigh(ROWS[:-1]), theirs.weigh(ROWS[:-1]), strict=True):
        assert other.nats == pytest.approx(one.nats, abs=0.02)
        assert other.likeliest == one.likeliest
    assert math.isfinite(theirs.weigh(ROWS[-1:])[0].nats)


def test_a_tokenizer_that_puts_no_begin_token_is_followed_by_both_engines(small_run, tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).symlink_to(small_run / "release" / name)
    tokenizer = json.loads((small_run / "release" / "tokenizer.json").read_bytes())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    ours, theirs = open_reader(folder, "torch"), open_reader(folder, "auto")
    assert (ours.begins, theirs.begins, theirs.name) == (False, False, "llama.cpp")
    asked = ("The old keeper", " went")
    assert pair(theirs.encode, theirs.begin, theirs.begins, *asked) == pair(
        ours.encode, ours.begin, ours.begins, *asked
    )


@pytest.mark.parametrize("engine", ["torch", "llama.cpp"])
def test_writing_ends_where_a_stop_would_begin(small_run, engine):
    reader = open_reader(small_run, engine)
    prompts = [[reader.begin, *reader.encode(text)] for text in ("The old", "Erat olim", "Le vieux")]
    free = reader.write(prompts, Decoding(40), [0, 0, 0])
    stops = tuple(text[10:12] for text in free)
    assert reader.write(prompts, Decoding(40, stop=stops), [0, 0, 0]) == [cut(text, stops) for text in free]


def test_nothing_is_written_after_a_stop(small_run, monkeypatch):
    reader = open_reader(small_run, "torch")
    prompts = [[reader.begin, 60 + n] for n in range(5)]
    whole = continue_prompts(reader.model, prompts, -1, Decoding(20))
    for margin in (0.0, math.inf):
        monkeypatch.setattr("octavo.modeling.continuations.MARGIN", margin)
        found = continue_prompts(reader.model, prompts, -1, Decoding(20), stop=lambda tokens: len(tokens) == 7)
        assert found == [tokens[:7] for tokens in whole]


# From here on with lm-eval itself.

CONTEXTS = [
    "The old keeper",
    "Erat olim ",
    "Question: Où est la mer ?\nAnswer:",
    "",
    "En la plaza del pueblo\n",
    "x " * 150,
]
CONTINUATIONS = [
    " went down",
    " mare.",
    "\nLa mer est là",
    "rex",
    " y",
    " und dann kam der alte Mann zurück in die Stadt",
]


@pytest.fixture(scope="module")
def ours(small_run):
    pytest.importorskip("lm_eval")
    from octavo.inference.harness import OctavoLM

    return OctavoLM(model=small_run / "release", engine="torch")


def hugging_face(folder, **settings):
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    return huggingface.HFLM(pretrained=str(folder), device="cpu", dtype="float32", **settings)


def requests(kind, arguments):
    from lm_eval.api.instance import Instance

    return [Instance(request_type=kind, doc={}, arguments=a, idx=n) for n, a in enumerate(arguments)]


def test_loglikelihoods_are_those_of_lm_evals_own_class(ours, small_run):
    reader = ours.reader
    asked = [(context, continuation) for context in CONTEXTS for continuation in CONTINUATIONS]
    asked += [(context * 2, " " + continuation) for context, continuation in asked]
    alike = [texts for texts in asked if not pair(reader.encode, reader.begin, reader.begins, *texts).less]
    assert len(alike) >= 50
    theirs = hugging_face(small_run / "release", batch_size=4).loglikelihood(requests("loglikelihood", alike))
    found = ours.loglikelihood(requests("loglikelihood", alike))
    for (nats, likeliest), (their_nats, theirs_likeliest) in zip(found, theirs, strict=True):
        assert nats == pytest.approx(their_nats, abs=1e-3)
        assert likeliest == theirs_likeliest


def test_over_an_entry_that_reaches_into_the_context_the_ratio_of_whole_texts_stands(ours):
    reader = ours.reader
    asked = [
        (text[:n], text[n:]) for text in ("the old keeper of the light", "in der alten Stadt") for n in range(3, 15)
    ]
    reaching = [t for t in asked if pair(reader.encode, reader.begin, reader.begins, *t).less]
    assert reaching
    for (context, continuation), (nats, _) in zip(
        reaching, ours.loglikelihood(requests("loglikelihood", reaching)), strict=True
    ):
        space = context[len(context.rstrip()) :]
        whole, alone = ours.loglikelihood(
            requests("loglikelihood", [("", context + continuation), ("", context.rstrip())])
        )
        assert nats == pytest.approx(whole[0] - alone[0], abs=1e-3), (context, space)


def test_rolling_loglikelihoods_are_those_of_lm_evals_own_class(ours, small_run):
    texts = [("The sea was calm.",), ("Der alte Mann am Meer. " * 60,), ("ſo that",)]
    # With its begin token it would count that one too, after another begin token.
    theirs = hugging_face(small_run / "release", add_bos_token=False).loglikelihood_rolling(
        requests("rolling", texts)
    )
    assert ours.loglikelihood_rolling(requests("rolling", texts)) == pytest.approx(theirs, abs=1e-2)
    assert ours.loglikelihood_rolling(requests("rolling", [("",)])) == [0.0]


def test_greedy_continuations_are_those_of_lm_evals_own_class(ours, small_run):
    theirs = hugging_face(small_run / "release", batch_size=1)
    for arguments in ({"until": ["\n", "."], "max_gen_toks": 24}, {"max_gen_toks": 30, "repetition_penalty": 1.0}):
        asked = requests("generate_until", [(context, arguments) for context in CONTEXTS if context])
        assert ours.generate_until(asked) == theirs.generate_until(asked)


def test_a_context_asked_for_twice_is_drawn_twice_and_again_the_same(ours):
    arguments = {"do_sample": True, "temperature": 1.0, "max_gen_toks": 20}
    asked = requests("generate_until", [("The old", arguments)] * 3)
    found = ours.generate_until(asked)
    assert len(set(found)) == 3
    assert ours.generate_until(asked) == found


def run_harness(arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "octavo.inference.harness", *arguments],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_tasks_of_the_how_to_run_on_both_engines(small_run, tmp_path):
    pytest.importorskip("lm_eval")
    files = re.findall(r"^`(tasks/[\w.]+)`:\n\n```\w+\n(.*?)^```", HOW_TO.read_text(), re.MULTILINE | re.DOTALL)
    assert len(files) >= 6
    (tmp_path / "tasks").mkdir()
    for name, content in files:
        (tmp_path / name).write_text(content)
    for engine in ("torch", "llama.cpp"):
        common = ["--include_path", "tasks", "--tasks", "endings", "--output_path", f"out-{engine}"]
        done = run_harness(
            ["run", "--model", "octavo", "--model_args", f"model={small_run},engine={engine}", *common], tmp_path
        )
        assert done.returncode == 0, done.stderr
        (file,) = (tmp_path / f"out-{engine}").rglob("results_*.json")
        results = json.loads(file.read_text())
        assert {"endings", "endings_en", "endings_fr"} <= results["results"].keys()
        assert 0 <= results["results"]["endings"]["acc,none"] <= 1
        assert results["config"]["engine"] == engine


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("model=nowhere", "octavo: nowhere: found no such folder"),
        ("engine=torch", "octavo: model_args: found no model, expected model=DIR"),
        (
            "model=nowhere,engine=fast",
            "octavo: model_args: engine: found fast, expected one of auto, llama.cpp, torch",
        ),
        ("model=nowhere,dtype=int8", "octavo: model_args: found dtype"),
    ],
)
def test_what_is_no_model_is_told_without_a_traceback(model, told, tmp_path):
    pytest.importorskip("lm_eval")
    done = run_harness(["run", "--model", "octavo", "--model_args", model, "--tasks", "arc_easy"], tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_without_lm_eval_the_command_says_how_to_install_it(tmp_path):
    block = "import sys; sys.modules['lm_eval'] = None; import runpy; runpy.run_module('octavo.inference.harness', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "expected lm-eval: pip install '.[harness]' in octavo's checkout" in done.stderr
    assert "Traceback" not in done.stderr
