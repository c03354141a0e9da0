import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection
from itertools import pairwise

import pytest
import torch

from octavo.errors import InputError, OctavoError
from octavo.inference.defaults import default_decoding
from octavo.inference.engine import open_engine, prompt_tokens
from octavo.inference.llama_cpp import LlamaCppEngine, finish_of, idle_threads, pieces_of, threads
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding, Stopping, whole

PROMPTS = [
    "The old keeper",
    "Il était une fois, au",
    "Es war",
    "Erat olim in monte",
    "word",
    "Wherefore let vs conſider",
]


@pytest.fixture(scope="module")
def torch_engine(small_run):
    return TorchEngine(small_run / "release/gguf/small-F32.gguf")


@pytest.fixture(scope="module")
def llama_cpp(small_run):
    return LlamaCppEngine(small_run / "release/gguf/small-F32.gguf", slots=3)


@pytest.fixture(scope="module")
def engines(torch_engine, llama_cpp):
    return torch_engine, llama_cpp


def test_auto_takes_llama_cpp_and_bf16_where_there_is_a_gguf_file(small_run):
    assert open_engine(small_run / "release").name == "llama.cpp"
    assert open_engine(small_run).gguf.name == "small-BF16.gguf"
    assert open_engine(small_run / "release", "torch").name == "torch"
    assert open_engine(small_run / "release/gguf/small-Q8_0.gguf").name == "llama.cpp"
    assert open_engine(small_run / "release/gguf/small-Q8_0.gguf", "torch").name == "torch"


def test_what_is_no_model_is_refused(small_run, tmp_path):
    with pytest.raises(InputError, match="found no such folder"):
        open_engine(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"found no config\.json"):
        open_engine(tmp_path)
    for engine in ("auto", "torch"):
        with pytest.raises(InputError, match="no such file"):
            open_engine(tmp_path / "nowhere.gguf", engine)
    (tmp_path / "bad.gguf").write_bytes(b"not a model")
    with pytest.raises(InputError, match="found no GGUF model that can be read"):
        open_engine(tmp_path / "bad.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((small_run / "release/gguf/small-Q8_0.gguf").read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"cut.gguf: found"):
        open_engine(cut)


OPENED_AND_CLOSED = """
import subprocess, sys
from pathlib import Path
from octavo.inference.llama_cpp import LlamaCppEngine
busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
try:
    for _ in range(8):
        LlamaCppEngine(Path(sys.argv[1]), 2)
finally:
    for process in busy:
        process.kill()
"""


def test_llama_cpp_can_be_closed_as_soon_as_it_is_open_on_a_busy_machine(small_run):
    """In a process of its own, as one that waits for llama.cpp's end for ever does nothing else any more."""
    gguf = small_run / "release/gguf/small-BF16.gguf"
    with subprocess.Popen([sys.executable, "-c", OPENED_AND_CLOSED, str(gguf)], start_new_session=True) as process:
        try:
            assert process.wait(120) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_a_prompt_that_fills_the_context_is_refused(engines):
    for engine in engines:
        with pytest.raises(InputError, match=r"found \d+ tokens, expected fewer than the model's context of 128"):
            prompt_tokens(engine, "word " * 500)


def test_where_llama_cpp_splits_by_an_expression_alone_no_word_may_end_it(small_run, tmp_path):
    """Of 200,000 letters the process would end."""
    whole_file = (small_run / "release/gguf/small-F32.gguf").read_bytes()
    assert whole_file.count(b"superbpe") == 1
    other = tmp_path / "other.gguf"
    other.write_bytes(whole_file.replace(b"superbpe", b"trillion"))
    engine = LlamaCppEngine(other)
    for text in ("x" * 200_000, " " * 200_000, "!" * 200_000, "日" * 200_000):
        with pytest.raises(
            InputError, match="found 200,000 characters of one kind in a row, expected at most 10,000"
        ):
            engine.encode(text)
    assert engine.encode("x" * 10_000 + " " + "y1" * 20_000)


@pytest.mark.parametrize("digits", ["7" * 60_000, "½" * 30_000])
def test_a_number_that_would_end_llama_cpp_is_refused(llama_cpp, digits):
    with pytest.raises(InputError, match=r"prompt: found [36]0,000 digits in a row, expected at most 10,000"):
        llama_cpp.encode(f"No. {digits} of the list")
    assert llama_cpp.encode("x" * 300_000)


def test_the_same_seed_draws_the_same_text(engines):
    for engine in engines:
        tokens = engine.encode("The old")
        first, second, other, negative, large = (
            whole(engine.stream(tokens, Decoding(max_tokens=30, temperature=1.0, seed=seed)))
            for seed in (3, 3, 4, -5, 2**60)
        )
        assert first == second
        assert len({first, other, negative, large}) == 4


def test_the_seed_that_means_chance_to_llama_cpp_is_one_like_others(llama_cpp):
    tokens = llama_cpp.encode("The old")
    found = {
        whole(llama_cpp.stream(tokens, Decoding(max_tokens=30, temperature=1.0, seed=2**32 - 1))) for _ in range(3)
    }
    assert len(found) == 1


def test_both_engines_tell_why_a_text_ended(engines):
    edge = [1] + [300] * 121  # of 128
    for engine in engines:
        written = {n: whole(engine.stream(edge, Decoding(max_tokens=n))) for n in (0, 4, 6, 7, 50)}
        assert {n: (found.tokens, found.finish) for n, found in written.items()} == {
            0: (0, "length"),
            4: (4, "length"),
            6: (6, "length"),
            7: (6, "context"),
            50: (6, "context"),
        }, engine.name


def test_the_end_token_ends_a_text_and_is_no_part_of_it(small_run, tmp_path):
    """A model whose end token is always the likeliest but right after a begin token."""
    from octavo.modeling.gguf.writing import save_gguf

    release = small_run / "release"
    engine = TorchEngine(release)
    model = engine.model
    with torch.no_grad():
        model.output.weight[engine.end] = 50 * model.output.weight[300]
        first = model(torch.tensor([engine.encode("The old keeper")]))[0, -1].argmax()
    save_gguf(model, tmp_path / "ends.gguf", "F32", "ends", "CC0-1.0", engine.tokenizer, engine.begin, engine.end)
    found = []
    for opened in (engine, LlamaCppEngine(tmp_path / "ends.gguf")):
        for prompt in PROMPTS:
            tokens = opened.encode(prompt)
            stream = list(opened.stream(tokens, Decoding(max_tokens=120 - len(tokens), repetition_penalty=1.0)))
            found.append(([piece.token for piece in stream], "".join(piece.text for piece in stream)))
            assert whole(opened.stream(tokens, Decoding(max_tokens=60, repetition_penalty=1.0))).finish in (
                "stop",
                "length",
            )
    assert found[: len(PROMPTS)] == found[len(PROMPTS) :]
    assert any(engine.end == int(first) or len(tokens) < 50 for tokens, _ in found)
    assert not any(engine.end in tokens for tokens, _ in found)


def test_both_engines_write_the_same_up_to_a_stop_string_in_pieces_or_none(engines):
    ours, _ = engines
    for prompt in PROMPTS:
        tokens = ours.encode(prompt)
        decoding = Decoding(max_tokens=40)
        pieces = list(ours.stream(tokens, decoding))
        text = "".join(piece.text for piece in pieces)
        across = text[9:16]  # over several tokens
        for stop in ((across,), (text[-3:] + "@",), ("@", across[3:]), (across + "@", text[-1] + "@")):
            told = [list(engine.stream(tokens, Decoding(max_tokens=40, stop=stop))) for engine in engines]
            assert told[0] == told[1]
            found = {whole(engine.stream(tokens, Decoding(max_tokens=40, stop=stop))) for engine in engines}
            assert len(found) == 1
            (written,) = found
            ends = min((at for s in stop if (at := text.find(s)) >= 0), default=None)
            assert written.text == text[:ends]
            assert written.finish == ("length" if ends is None else "stop")


def test_many_prompts_at_once_get_what_each_gets_alone(engines):
    """In llama.cpp where the likeliest is taken: a draw hangs on the last bit, and this on what is written beside."""
    for engine, temperature in ((engines[0], 0.0), (engines[0], 1.0), (engines[1], 0.0)):
        prompts = [engine.encode(prompt) for prompt in PROMPTS] + [[1] + [300] * 124]
        decoding = Decoding(max_tokens=24, temperature=temperature, top_p=0.9, stop=("e, ", "or"))
        seeds = range(len(prompts))
        alone = [
            whole(engine.stream(prompt, Decoding(24, temperature, top_p=0.9, seed=seed, stop=("e, ", "or"))))
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        found = engine.texts(prompts, decoding, seeds)
        assert [(w.text, w.finish) for w in found] == [(w.text, w.finish) for w in alone], engine.name
        assert {w.finish for w in found} >= {"context"}


def test_both_engines_tell_the_same_log_probabilities_before_penalty_and_temperature(engines):
    tokens = engines[0].encode("The old keeper of the")
    for decoding in (Decoding(max_tokens=12), Decoding(max_tokens=1, temperature=0.7, top_k=1)):
        ours, theirs = (list(engine.stream(tokens, decoding, alternatives=4)) for engine in engines)
        for one, other in zip(ours, theirs, strict=True):
            assert (one.token, one.text) == (other.token, other.text)
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
            assert [a[:2] for a in one.alternatives] == [a[:2] for a in other.alternatives]
            assert [a.logprob for a in one.alternatives] == pytest.approx(
                [a.logprob for a in other.alternatives], abs=1e-3
            )
            assert all(a.logprob >= b.logprob for a, b in pairwise(one.alternatives))
    logprobs = engines[0].model(torch.tensor([tokens]))[0, -1].log_softmax(-1)
    assert ours[0].logprob == pytest.approx(float(logprobs[ours[0].token].detach()), abs=1e-5)
    assert all(p.logprob is None and not p.alternatives for e in engines for p in e.stream(tokens, decoding))


LONG = Decoding(max_tokens=8000, repetition_penalty=1.0)


def busy(engine):
    asked = urllib.request.Request(engine.address + "/slots", headers={"Authorization": f"Bearer {engine.key}"})
    with urllib.request.urlopen(asked) as answer:
        return sum(slot["is_processing"] for slot in json.load(answer))


def is_free_soon(engine):
    until = time.monotonic() + 5
    while busy(engine) and time.monotonic() < until:
        time.sleep(0.002)
    return not busy(engine)


@pytest.fixture(scope="module")
def slow_to_end(small_run, tmp_path_factory):
    """llama.cpp on the small model with a context so long that a text fills it in seconds."""
    from dataclasses import replace

    from octavo.modeling.gguf.writing import save_gguf

    engine = TorchEngine(small_run / "release")
    engine.model.config = replace(engine.model.config, max_position_embeddings=8192)
    with torch.no_grad():
        engine.model.output.weight[engine.end] = 0
    path = tmp_path_factory.mktemp("long") / "long.gguf"
    save_gguf(engine.model, path, "F32", "long", "CC0-1.0", engine.tokenizer, engine.begin, engine.end)
    return LlamaCppEngine(path, slots=2)


def test_a_stream_that_is_closed_frees_its_slot(slow_to_end):
    pieces = slow_to_end.stream([1, 300], LONG)
    next(pieces)
    assert busy(slow_to_end) == 1
    pieces.close()
    assert is_free_soon(slow_to_end)


def test_a_stream_is_let_go_before_the_process_ends(slow_to_end):
    """Python ends daemon threads from within, and one that llama.cpp has called would take all down with it."""
    before = set(threading.enumerate())
    pieces = slow_to_end.stream([1, 300], LONG)
    next(pieces)
    (asking,) = set(threading.enumerate()) - before
    assert not asking.daemon
    pieces.close()
    asking.join(5)
    assert not asking.is_alive()


def test_only_cores_that_the_process_may_use_are_counted(monkeypatch):
    for cores, expected in ((1, 1), (2, 1), (6, 5)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert threads() == expected


def test_who_writes_alone_takes_the_cores_that_have_nothing_to_do(monkeypatch):
    for loads, expected in (((0, 0), 2), ((0, 95), 1), ((90, 95), 1), ((0, 0, 0, 0), 3), ((0, 80, 0, 80), 2)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, loads=loads: set(range(len(loads))))
        monkeypatch.setattr(
            "psutil.cpu_percent", lambda _, percpu, loads=loads: [*loads, 0]
        )  # one that is not ours
        assert idle_threads() == expected


def test_a_stop_string_frees_the_slot_too(slow_to_end):
    free = slow_to_end.stream([1, 300], Decoding(max_tokens=8000))
    text = "".join(next(free).text for _ in range(12))
    free.close()
    stop = text[4:]
    found = whole(slow_to_end.stream([1, 300], Decoding(max_tokens=8000, stop=(stop,))))
    assert found.text == text[: text.index(stop)]
    assert is_free_soon(slow_to_end)


def test_two_texts_are_written_side_by_side(slow_to_end):
    both = [slow_to_end.stream([1, 300 + n], LONG) for n in range(2)]
    for pieces in both:
        next(pieces)
    assert busy(slow_to_end) == 2
    for pieces in both:
        pieces.close()
    assert is_free_soon(slow_to_end)


def test_each_slot_holds_the_whole_context(llama_cpp):
    long = [1] + [300] * 100
    found = llama_cpp.texts([long] * 3, Decoding(max_tokens=50))
    assert [(w.tokens, w.finish) for w in found] == [(27, "context")] * 3


def read_anew(engine, tokens):
    """Tokens of a prompt that llama.cpp had to read, by its own answer."""
    answer = engine.server.handle_completions(engine.request(tokens, Decoding(max_tokens=1)))
    return answer["timings"]["prompt_n"]


def test_what_a_slot_has_read_is_not_read_again(small_run):
    engine = LlamaCppEngine(small_run / "release/gguf/small-F32.gguf")
    prompt = [1, *range(300, 390)]
    assert read_anew(engine, prompt) == len(prompt)
    assert read_anew(engine, prompt) == 1
    assert read_anew(engine, [*prompt[:80], 500, 501]) == 2


def test_its_own_server_answers_on_this_machine_to_who_has_the_key_alone(llama_cpp):
    assert llama_cpp.address.startswith("http://127.0.0.1:")
    body = json.dumps(llama_cpp.request([1, 300], Decoding(max_tokens=2))).encode()
    for key in ({}, {"Authorization": "Bearer wrong"}):
        for path in ("/v1/completions", "/tokenize", "/slots", "/completion"):
            asked = urllib.request.Request(llama_cpp.address + path, body, key)
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(asked)
    assert len(llama_cpp.key) > 40


def test_streams_over_its_server_are_the_engines_own(llama_cpp):
    """As a server drives it: the body of `request`, `pieces_of` each line, `Stopping` over them."""
    tokens = llama_cpp.encode("The old keeper")
    text = whole(llama_cpp.stream(tokens, Decoding(max_tokens=30))).text
    for stop in ((text[10:14],), (text[-2:] + "@",)):
        decoding = Decoding(max_tokens=30, stop=stop)
        connection = HTTPConnection(llama_cpp.address.removeprefix("http://"))
        body = json.dumps(llama_cpp.request(tokens, decoding, 2) | {"stream": True})
        connection.request("POST", "/v1/completions", body, {"Authorization": f"Bearer {llama_cpp.key}"})
        stopping, told, finish = Stopping(decoding.stop), [], None
        with connection.getresponse() as response:
            for line in response:
                if not line.startswith(b"data: {") or stopping.ended:
                    continue
                answer = json.loads(line.removeprefix(b"data: "))
                if reason := answer["choices"][0]["finish_reason"]:
                    finish = finish_of(reason, answer["usage"]["completion_tokens"], decoding)
                for piece in pieces_of(answer, 2):
                    if not stopping.ended:
                        told += stopping.take(piece)
        connection.close()
        told += [] if stopping.ended else stopping.held
        own = list(llama_cpp.stream(tokens, decoding, 2))
        assert [(p.token, p.text) for p in told] == [(p.token, p.text) for p in own]
        # What lies in the cache already is not read again, and sums of fewer rows are rounded otherwise.
        assert [p.logprob for p in told] == pytest.approx([p.logprob for p in own], abs=0.02)
        assert [[a.token for a in p.alternatives] for p in told] == [[a.token for a in p.alternatives] for p in own]
        assert ("stop" if stopping.ended else finish) == whole(llama_cpp.stream(tokens, decoding)).finish


def test_a_break_in_the_middle_of_a_batch_leaves_the_engine_usable(slow_to_end):
    threads = [threading.Thread(target=lambda n=n: next(slow_to_end.stream([1, 300 + n], LONG))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert is_free_soon(slow_to_end)
    assert whole(slow_to_end.stream([1, 300], Decoding(max_tokens=3))).tokens == 3


def test_settings_are_the_models_own_where_it_states_them(small_run, tmp_path):
    for model in (small_run, small_run / "release", small_run / "release/gguf/small-BF16.gguf"):
        assert default_decoding(model) == Decoding()
    config = tmp_path / "generation_config.json"
    config.write_text('{"repetition_penalty": 1.0, "temperature": 0.6, "top_p": 0.9, "do_sample": false}')
    assert default_decoding(tmp_path) == Decoding(repetition_penalty=1.0)
    config.write_text('{"temperature": 0.6, "top_k": 20, "do_sample": true}')
    assert default_decoding(tmp_path) == Decoding(temperature=0.6, top_k=20)
    config.write_text('{"top_p": 0.9, "do_sample": true}')  # as transformers understands it
    assert default_decoding(tmp_path) == Decoding(temperature=1.0, top_p=0.9)
    (tmp_path / "gguf").mkdir()
    assert default_decoding(tmp_path / "x.gguf") == Decoding()
    (tmp_path / "config.json").write_text("{}")
    for file in ("gguf/x.gguf", "x.gguf"):
        assert default_decoding(tmp_path / file) == Decoding(temperature=1.0, top_p=0.9)
    for stated, told in (
        ('{"repetition_penalty": "much"}', "repetition_penalty: found 'much', expected a number"),
        (
            '{"repetition_penalty": 0}',
            r"generation_config\.json: repetition_penalty: found 0.0, expected from 0.0001 to 10,000",
        ),
        ('{"do_sample": true, "top_k": Infinity}', "top_k: found inf, expected a number"),
    ):
        config.write_text(stated)
        with pytest.raises(InputError, match=told):
            default_decoding(tmp_path)
    config.write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        default_decoding(tmp_path)


@pytest.mark.parametrize("begins", [True, False])
def test_a_file_says_whether_a_token_stands_before_a_text(small_run, tmp_path, begins, monkeypatch):
    from gguf import GGUFWriter

    from octavo.modeling.gguf.writing import save_gguf

    monkeypatch.setattr(
        GGUFWriter, "add_add_bos_token", lambda self, _: self.add_bool("tokenizer.ggml.add_bos_token", begins)
    )
    release = TorchEngine(small_run / "release")
    path = tmp_path / "file.gguf"
    save_gguf(release.model, path, "F32", "file", "CC0-1.0", release.tokenizer, release.begin, release.end)
    for engine in (TorchEngine(path), LlamaCppEngine(path)):
        assert engine.encode("The old") == release.encode("The old")[not begins :]
        if not begins:
            with pytest.raises(InputError, match="prompt: found an empty text"):
                prompt_tokens(engine, "")


def test_where_one_text_of_many_fails_nobody_waits_for_the_others(slow_to_end, monkeypatch):
    written = []
    monkeypatch.setattr(
        "octavo.inference.llama_cpp.pieces_of", lambda *told: (found := pieces_of(*told), written.extend(found))[0]
    )
    with pytest.raises(OctavoError, match=r"llama\.cpp: .*context size"):
        slow_to_end.texts([[1, 300], [1] * 9000], LONG)
    assert len(written) < 7000
