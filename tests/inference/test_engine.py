import subprocess
import sys

import pytest
import torch

from octavo.errors import InputError
from octavo.inference.engine import open_engine, stream_text
from octavo.modeling.decoding import Decoding, choose, seen_entries


def test_auto_takes_llama_cpp_and_bf16_where_there_is_a_gguf_file(small_run):
    assert open_engine(small_run / "release").name == "llama.cpp"
    assert open_engine(small_run).name == "llama.cpp"
    assert open_engine(small_run / "release", "torch").name == "torch"
    assert open_engine(small_run / "release/gguf/small-Q8_0.gguf").name == "llama.cpp"


def test_a_directory_without_a_gguf_file_goes_to_torch(small_run, tmp_path):
    for file in (small_run / "release").glob("*"):
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert open_engine(tmp_path).name == "torch"
    with pytest.raises(InputError, match=r"expected one for the llama\.cpp engine"):
        open_engine(tmp_path, "llama.cpp")


def test_what_is_no_model_is_refused(small_run, tmp_path):
    with pytest.raises(InputError, match="found no such folder"):
        open_engine(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such file"):
        open_engine(tmp_path / "nowhere.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"not a model")
    with pytest.raises(InputError, match="found no GGUF model that can be read"):
        open_engine(tmp_path / "bad.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((small_run / "release/gguf/small-Q8_0.gguf").read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"cut.gguf: found"):
        open_engine(cut)
    with pytest.raises(InputError, match="expected a model directory"):
        open_engine(small_run / "release/gguf/small-Q8_0.gguf", "torch")


def test_llama_cpp_can_be_closed_as_soon_as_it_is_open_on_a_busy_machine(small_run):
    opens = (
        "import sys\nfrom pathlib import Path\nfrom octavo.inference.engine import open_engine\n"
        "for _ in range(20): open_engine(Path(sys.argv[1]))"
    )
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        subprocess.run([sys.executable, "-c", opens, str(small_run)], check=True, timeout=120)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("engine", ["torch", "llama.cpp"])
def test_a_prompt_that_fills_the_context_is_refused(small_run, engine):
    with pytest.raises(InputError, match=r"found \d+ tokens, expected fewer than the model's context of 128"):
        list(stream_text(open_engine(small_run, engine), "word " * 500, Decoding()))


@pytest.mark.parametrize("digits", ["7" * 60_000, "½" * 30_000])
def test_a_number_that_would_end_llama_cpp_is_refused(small_run, digits):
    engine = open_engine(small_run, "llama.cpp")
    with pytest.raises(InputError, match=r"prompt: found [36]0,000 digits in a row, expected at most 10,000"):
        engine.encode(f"No. {digits} of the list")
    assert engine.encode("x" * 300_000)


@pytest.mark.parametrize("engine", ["torch", "llama.cpp"])
def test_the_same_seed_draws_the_same_text(small_run, engine):
    opened = open_engine(small_run, engine)
    first, second, other = (
        "".join(stream_text(opened, "The old", Decoding(max_tokens=30, temperature=1.0, seed=seed)))
        for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_the_repetition_penalty_makes_seen_tokens_less_likely_whatever_their_sign():
    logits = torch.tensor([[2.0, 1.9, -0.1, -0.2]])

    def chosen(logits, seen, penalty):
        seen = seen_entries([[seen]], logits.shape[1], logits.device)
        token, ahead = choose(logits, seen, Decoding(repetition_penalty=penalty), [torch.Generator()])
        return int(token), pytest.approx(float(ahead), abs=1e-6)

    assert chosen(logits, 3, 1.0) == (0, 0.1)
    assert chosen(logits, 0, 1.2) == (1, 1.9 - 2.0 / 1.2)
    assert chosen(logits[:, 2:], 0, 3.0) == (1, 0.1)


def test_draws_follow_the_softmax_at_the_temperature():
    logits = torch.tensor([[0.0, 1.0]])
    generator = torch.Generator().manual_seed(1)
    decoding = Decoding(temperature=0.5, repetition_penalty=1.0)
    seen = torch.zeros(1, 2, dtype=torch.bool)
    draws = [int(choose(logits, seen, decoding, [generator])[0]) for _ in range(3000)]
    assert sum(draws) / 3000 == pytest.approx(float(torch.softmax(logits / 0.5, 1)[0, 1]), abs=0.03)
