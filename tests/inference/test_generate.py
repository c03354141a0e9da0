"""`octavo generate`: settings, several prompts, and what is told on stderr."""

import inspect
import json
import shutil
import sys

import pytest

from octavo.cli.app import main
from octavo.errors import InputError
from octavo.inference.engine import open_engine, prompt_tokens


@pytest.fixture
def generate(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["octavo", "generate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_several_prompts_are_continued_each_as_alone(generate, small_run):
    settings = ["--max-tokens", 12]
    prompts = ["The old keeper", "Erat olim", "Es war"]
    alone = [json.loads(generate(small_run, prompt, *settings, "--json")[1]) for prompt in prompts]
    status, out, _ = generate(small_run, *prompts, *settings, "--json")
    assert status == 0
    assert json.loads(out) == alone
    assert [found["finish"] for found in alone] == ["length"] * 3
    _, printed, _ = generate(small_run, *prompts, *settings)
    assert printed == "\n\n".join(found["prompt"] + found["continuation"] for found in alone) + "\n"


def test_the_end_of_the_context_is_told(generate, small_run):
    for form in ([], ["--no-stream"], ["--json"], ["--engine", "torch"]):
        status, out, err = generate(
            small_run, "The old keeper", "--max-tokens", 500, "--repetition-penalty", 1, *form
        )
        assert status == 0
        assert out
        assert err == "the model's context of 128 tokens is full\n"
    assert generate(small_run, "The old keeper", "--max-tokens", 5)[2] == ""


def test_an_interrupted_text_is_not_written_on(generate, small_run, monkeypatch):
    begun = []

    def interrupted(prompt, pieces, index):
        begun.append(pieces)
        next(pieces)
        raise KeyboardInterrupt

    monkeypatch.setattr("octavo.cli.tools._printed", interrupted)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert generate(small_run, "The old keeper")[0] == 130
    assert inspect.getgeneratorstate(begun[0]) == inspect.GEN_CLOSED


def test_a_text_ends_before_a_stop_string(generate, small_run):
    _, free, _ = generate(small_run, "The old keeper", "--max-tokens", 30)
    text = free.removeprefix("The old keeper").removesuffix("\n")
    for engine in ("llama.cpp", "torch"):
        _, out, _ = generate(
            small_run,
            "The old keeper",
            "--max-tokens",
            30,
            "--stop",
            "never",
            "--stop",
            text[8:12],
            "--engine",
            engine,
        )
        assert out == "The old keeper" + text[: text.index(text[8:12])] + "\n"


def test_the_models_own_settings_count_where_nothing_is_asked(generate, small_run, tmp_path):
    model = shutil.copytree(small_run / "release", tmp_path / "model")
    (model / "generation_config.json").write_text('{"repetition_penalty": 1.9}')
    call = ["Erat olim in monte", "--max-tokens", 40]
    usual, strong = (generate(small_run, *call, "--repetition-penalty", penalty)[1] for penalty in (1.1, 1.9))
    assert usual != strong
    assert generate(model, *call)[1] == generate(model / "gguf/small-BF16.gguf", *call)[1] == strong
    assert generate(model, *call, "--repetition-penalty", 1.1)[1] == generate(small_run, *call)[1] == usual


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--top-k", -1, "top_k: found -1, expected 0 or more"),
        ("--top-p", 0, "top_p: found 0.0, expected over 0 and up to 1"),
        ("--min-p", 2, "min_p: found 2.0, expected from 0 to 1"),
        ("--temperature", "nan", "temperature: found nan, expected 0, or 0.0001 or more"),
        ("--repetition-penalty", 0, "repetition_penalty: found 0.0, expected from 0.0001 to 10,000"),
        ("--stop", "", "stop: found an empty string, expected one character at least"),
        ("--seed", 2**64, "seed: found 18446744073709551616"),
        ("--engine", "other", "other"),
    ],
)
def test_a_bad_value_is_refused(generate, small_run, option, value, told):
    status, out, err = generate(small_run, "Once", option, value)
    assert (status, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_settings_shape_the_draw(generate, small_run):
    call = [small_run, "The old keeper", "--max-tokens", 12]
    greedy = generate(*call)[1]
    assert generate(*call, "--temperature", 2, "--top-k", 1)[1] == greedy
    assert generate(*call, "--temperature", 2, "--min-p", 1)[1] == greedy
    assert generate(*call, "--temperature", 2, "--top-p", 0.0001)[1] == greedy
    assert generate(*call, "--temperature", 2)[1] != greedy


@pytest.mark.parametrize("engine", ["torch", "llama.cpp"])
def test_a_prompt_that_is_no_text_is_told(small_run, engine):
    opened = open_engine(small_run, engine)
    with pytest.raises(InputError, match="prompt: found bytes that are no UTF-8"):
        prompt_tokens(opened, "ab\udcff")
