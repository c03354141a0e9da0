"""One model, three programs: octavo's torch engine, transformers and llama.cpp must agree."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding
from octavo.modeling.hf import save_hf
from octavo.stages import trained_model
from tests.conftest import small_recipe

PROMPTS = [
    "The old keeper of the light",
    "Il était une fois, au bord de la rivière,",
    "Es war einmal ein alter Müller, der",
    "Erat olim in monte vetus monasterium, ubi",
    "Wherefore let vs conſider, my brethren,",
]


@pytest.fixture(scope="module")
def exact(small_run, tmp_path_factory):
    """The trained model as a Hugging Face directory in float32, with its tokenizer."""
    folder = tmp_path_factory.mktemp("exact")
    for file in (small_run / "release").glob("*.json"):
        (folder / file.name).write_bytes(file.read_bytes())
    save_hf(trained_model(small_recipe(), small_run), folder, 1, 2, torch.float32)
    return folder


@pytest.fixture(scope="module")
def llama_cpp_f32(small_run):
    return LlamaCppEngine(small_run / "release/gguf/small-F32.gguf")


@pytest.fixture(scope="module")
def llama_cpp_bf16(small_run):
    return LlamaCppEngine(small_run / "release/gguf/small-BF16.gguf")


def test_all_three_tokenise_all_starter_documents_alike(exact, llama_cpp_f32, starter_texts):
    ours = TorchEngine(exact)
    theirs = AutoTokenizer.from_pretrained(exact)
    for text in starter_texts:
        tokens = ours.encode(text)
        assert theirs(text)["input_ids"] == tokens
        assert llama_cpp_f32.encode(text) == tokens


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  two  spaces\n\n\tand a tab ",
        "é e\u0301 ﬁ ſt",
        "👩‍👩‍👧‍👦",
        "שלום عليكم",
        "1789 ½ ²",
        "a" * 3000,
        "'ve 'LL don't",
        "日本語",
    ],
)
def test_all_three_tokenise_hard_cases_alike(exact, llama_cpp_f32, text):
    tokens = TorchEngine(exact).encode(text)
    assert AutoTokenizer.from_pretrained(exact)(text)["input_ids"] == tokens
    assert llama_cpp_f32.encode(text) == tokens


@pytest.mark.parametrize("penalty", [1.0, 1.1, 1.2])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_continuations_of_64_tokens_agree_in_float32(exact, llama_cpp_f32, prompt, penalty):
    decoding = Decoding(max_tokens=64, repetition_penalty=penalty)
    ours = TorchEngine(exact)
    tokens = ours.encode(prompt)
    found = [piece.token for piece in ours.stream(tokens, decoding)]
    model = AutoModelForCausalLM.from_pretrained(exact, dtype=torch.float32)
    written = model.generate(
        torch.tensor([tokens]), max_new_tokens=64, do_sample=False, repetition_penalty=penalty, temperature=None
    )[0, len(tokens) :].tolist()
    assert found == [t for t in written if t != 2]
    assert found == [piece.token for piece in llama_cpp_f32.stream(tokens, decoding)]
    assert len(found) > 5


def test_next_token_distributions_in_bf16_differ_by_less_than_two_in_a_hundred(
    small_run, llama_cpp_bf16, starter_texts
):
    """Total variation distance, on average over prompts of many lengths; transformers in BF16 as the reference."""
    folder = small_run / "release"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    ours = TorchEngine(folder)
    vocab = model.config.vocab_size
    distances = {"transformers": [], "torch engine": []}
    for number, text in enumerate(starter_texts[::9]):
        tokens = ours.encode(text)[: 4 + 3 * number]
        found = llama_cpp_bf16.next_token_logprobs(tokens, vocab)
        assert len(found) == vocab
        q = torch.tensor([math.exp(found[entry]) for entry in range(vocab)])
        with torch.no_grad():
            reference = model(torch.tensor([tokens])).logits[0, -1].float().softmax(-1)
            exact = ours.model(torch.tensor([tokens]))[0, -1].softmax(-1)
        distances["transformers"].append(float((reference - q).abs().sum() / 2))
        distances["torch engine"].append(float((exact - q).abs().sum() / 2))
    for name, found in distances.items():
        assert sum(found) / len(found) < 0.02, name


def test_both_engines_stream_the_text_of_their_tokens(exact, llama_cpp_f32):
    decoding = Decoding(max_tokens=40)
    for engine in (TorchEngine(exact), llama_cpp_f32):
        tokens = engine.encode("Am Fluß, in der Mühle,")
        pieces = list(engine.stream(tokens, decoding))
        text = "".join(piece.text for piece in pieces)
        expected = AutoTokenizer.from_pretrained(exact).decode([piece.token for piece in pieces])
        assert text == expected.rstrip("\ufffd")


def test_both_engines_end_at_the_edge_of_the_context(exact, llama_cpp_f32):
    for engine in (TorchEngine(exact), llama_cpp_f32):
        tokens = [1] + [300] * (engine.context - 6)
        assert len(list(engine.stream(tokens, Decoding(max_tokens=50)))) <= 5


def test_greedy_continuations_agree_on_weights_in_bf16(exact, small_run):
    """The numbers of a BF16 file, computed with in float32 by both: llama.cpp rounds what it multiplies them by."""
    ours = TorchEngine(small_run / "release/gguf/small-BF16.gguf")
    theirs = TorchEngine(small_run / "release")
    for prompt in PROMPTS:
        tokens = ours.encode(prompt)
        assert tokens == theirs.encode(prompt)
        assert list(ours.stream(tokens, Decoding(64))) == list(theirs.stream(tokens, Decoding(64)))


def test_bf16_text_parts_only_where_two_tokens_are_almost_equally_likely(small_run, llama_cpp_bf16):
    """llama.cpp rounds activations to BF16 before it multiplies, torch does not."""
    ours = TorchEngine(small_run / "release")
    agreed = 0
    for prompt in PROMPTS:
        tokens = ours.encode(prompt)
        decoding = Decoding(64, repetition_penalty=1.0)
        pair = [[p.token for p in engine.stream(tokens, decoding)] for engine in (ours, llama_cpp_bf16)]
        parted = next((n for n, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), None)
        agreed += parted is None
        if parted is not None:
            with torch.no_grad():
                logprobs = ours.model(torch.tensor([tokens + pair[0][:parted]]))[0, -1].log_softmax(-1)
            assert abs(logprobs[pair[0][parted]] - logprobs[pair[1][parted]]) < 0.05
    assert agreed >= 1
