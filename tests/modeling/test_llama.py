"""The architecture against transformers' own, both ways through safetensors."""

import json
import math

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM
from transformers import LlamaConfig as TheirConfig

from octavo.errors import InputError
from octavo.modeling.attention import document_starts
from octavo.modeling.hf import load_hf, save_hf
from octavo.modeling.init import initialise
from octavo.modeling.llama import Cache, LlamaConfig
from octavo.modeling.rope import Linear, Listed, Llama3, stated_of

PUBLISHED = LlamaConfig(
    vocab_size=65_536,
    hidden_size=1024,
    num_hidden_layers=26,
    num_attention_heads=16,
    num_key_value_heads=8,
    intermediate_size=2560,
    max_position_embeddings=2048,
)
SHAPES = [
    {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True},
    {"num_attention_heads": 4, "num_key_value_heads": 4, "tie_word_embeddings": False},
    {"num_attention_heads": 8, "num_key_value_heads": 1, "tie_word_embeddings": True, "rope_theta": 500_000.0},
    {"num_attention_heads": 4, "num_key_value_heads": 2, "rope_scaling": Linear(4.0)},
    {"num_attention_heads": 2, "num_key_value_heads": 1, "rope_scaling": Llama3(8.0, 1.0, 4.0, 32)},
]


def random_model(num_hidden_layers=3, **shape):
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        num_hidden_layers=num_hidden_layers,
        intermediate_size=160,
        max_position_embeddings=128,
        **shape,
    )
    model = initialise(config, seed=5)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=generator)
    return model.eval()


def test_the_published_configuration_counts_its_parameters():
    assert PUBLISHED.parameters == 353_424_384


@pytest.mark.parametrize("shape", SHAPES)
def test_the_count_is_the_number_of_parameters(shape):
    model = random_model(**shape)
    assert sum(p.numel() for p in model.parameters()) == model.config.parameters


@pytest.mark.parametrize("shape", SHAPES)
def test_transformers_computes_the_same_logits_from_our_files(shape, tmp_path):
    model = random_model(**shape)
    save_hf(model, tmp_path, 1, 2, torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert isinstance(theirs, LlamaForCausalLM)
    tokens = torch.randint(0, 512, (2, 128), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(model(tokens), theirs(tokens).logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_we_compute_the_same_logits_from_files_of_transformers(shape, tmp_path):
    torch.manual_seed(4)
    theirs = LlamaForCausalLM(
        TheirConfig(
            vocab_size=512,
            hidden_size=64,
            num_hidden_layers=3,
            intermediate_size=160,
            max_position_embeddings=128,
            rms_norm_eps=1e-5,
            initializer_range=0.2,
            **{name: value for name, value in shape.items() if not name.startswith("rope")},
            rope_parameters=stated_of(shape.get("rope_scaling"))
            | {"rope_theta": shape.get("rope_theta", 10_000.0)},
        )
    ).eval()
    theirs.save_pretrained(tmp_path)
    ours = load_hf(tmp_path)
    tokens = torch.randint(0, 512, (2, 128), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens), theirs(tokens).logits, rtol=0, atol=1e-4)


def test_scaled_positions_are_read_in_the_older_form_too(tmp_path):
    model = random_model(**SHAPES[-1])
    save_hf(model, tmp_path, 1, 2, torch.float32)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["rope_parameters"]
    config["rope_scaling"]["type"] = config["rope_scaling"].pop("rope_type")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert load_hf(tmp_path).config == model.config


def test_of_llama_3_slow_turns_are_divided_and_quick_ones_are_not():
    """Over 32 positions the pairs turn 5.09, 1.61, 0.51 and 0.16 times; from 4 on they count as quick, to 1 as slow."""
    frequencies = torch.tensor([1.0, 10**-0.5, 0.1, 10**-1.5])
    share = (32 * 10**-0.5 / (2 * math.pi) - 1) / 3
    expected = torch.tensor([1.0, 1 / ((1 - share) / 8 + share), 8.0, 8.0])
    torch.testing.assert_close(Llama3(8.0, 1.0, 4.0, 32).divisors(frequencies), expected)


def test_divisors_of_a_gguf_file_have_no_form_in_config_json(tmp_path):
    model = random_model(**SHAPES[0] | {"rope_scaling": Listed((1.0,) * 8)})
    with pytest.raises(InputError, match=r"have no form in config\.json"):
        save_hf(model, tmp_path, 1, 2, torch.float32)


def test_losses_and_gradients_are_those_of_transformers(tmp_path):
    model = random_model(**SHAPES[0])
    save_hf(model, tmp_path, 1, 2, torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    tokens = torch.randint(3, 512, (2, 65), generator=torch.Generator().manual_seed(1))
    loss = model.loss(tokens[:, :-1], tokens[:, 1:]) / 128
    expected = theirs(tokens, labels=tokens).loss
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    ours, wanted = model.layers[0].attention.out.weight.grad, theirs.model.layers[0].self_attn.o_proj.weight.grad
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-6)
    wanted = theirs.model.embed_tokens.weight.grad
    torch.testing.assert_close(model.embedding.weight.grad, wanted, rtol=1e-4, atol=1e-6)


def test_a_compiled_pass_has_the_losses_and_gradients_of_an_eager_one():
    """Compiled, it attends in blocks; eager, with a mask over whole sequences."""
    model = random_model(1, **SHAPES[0])  # the sooner compiled
    tokens = torch.randint(0, 40, (2, 65), generator=torch.Generator().manual_seed(1))
    starts = document_starts(tokens[:, :-1], 1)
    eager = model.loss(tokens[:, :-1], tokens[:, 1:], starts)
    eager.backward()
    wanted = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    compiled = torch.compile(model.loss, dynamic=False)(tokens[:, :-1], tokens[:, 1:], starts)
    compiled.backward()
    torch.testing.assert_close(compiled, eager)
    for parameter, gradient in zip(model.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))


def test_saving_and_loading_changes_no_bit(tmp_path):
    model = random_model(**SHAPES[0])
    save_hf(model, tmp_path, 1, 2, torch.float32)
    again = load_hf(tmp_path)
    for (name, ours), (_, theirs) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_a_cache_gives_the_logits_of_reading_all_at_once():
    model = random_model(**SHAPES[0])
    tokens = torch.randint(0, 512, (2, 40), generator=torch.Generator().manual_seed(1))
    cache = Cache(model.config, 2, torch.device("cpu"), torch.float32)
    with torch.no_grad():
        pieces = [model(tokens[:, :25], cache=cache)] + [
            model(tokens[:, n : n + 1], cache=cache) for n in range(25, 40)
        ]
        torch.testing.assert_close(torch.cat(pieces, 1), model(tokens), rtol=0, atol=1e-4)


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = initialise(random_model(**SHAPES[0]).config, seed=7)
    torch.manual_seed(2)
    second = initialise(first.config, seed=7)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_config_json_says_what_transformers_reads(tmp_path):
    save_hf(random_model(**SHAPES[0]), tmp_path, 1, 2, torch.bfloat16)
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.model_type == "llama"
    assert (config.bos_token_id, config.eos_token_id) == (1, 2)
    assert config.tie_word_embeddings
    assert config.head_dim == 16
    assert config.rope_parameters["rope_theta"] == 10_000.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "model_type: found 'gpt2', expected 'llama'"),
        *(
            ({"rope_parameters": {"rope_type": kind, "factor": 2.0}}, f"rope_parameters: found rotary .* {kind!r}")
            for kind in ("yarn", "dynamic", "longrope")
        ),
        ({"rope_parameters": {"rope_type": "linear"}}, "rope_parameters: factor: found None, expected a number"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 0}}, "factor: found 0, expected a number over 0"),
        (
            {"rope_parameters": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}},
            "low_freq_factor: found 4, expected less than high_freq_factor, 4",
        ),
        ({"rope_parameters": None, "rope_scaling": {"type": "yarn"}}, "rope_scaling: found rotary .* 'yarn'"),
        ({"rope_parameters": "linear"}, "rope_parameters: found 'linear', expected an object"),
        ({"attention_bias": True}, "expected neither"),
        ({"hidden_size": None}, "found no hidden_size"),
        ({"intermediate_size": 96}, "which config.json does not tell of"),
        ({"num_hidden_layers": 4}, "found no weights named"),
    ],
)
def test_a_directory_that_is_not_plain_llama_is_refused_by_name(change, message, tmp_path):
    save_hf(random_model(**SHAPES[0]), tmp_path, 1, 2, torch.float32)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    with pytest.raises(InputError, match=message):
        load_hf(tmp_path)


def test_weights_that_are_cut_short_are_refused(tmp_path):
    save_hf(random_model(**SHAPES[0]), tmp_path, 1, 2, torch.float32)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="is it cut short"):
        load_hf(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"found no config\.json"):
        load_hf(tmp_path)
