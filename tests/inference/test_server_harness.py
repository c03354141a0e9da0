"""lm-eval's own client of a server, local-completions, drives octavo's unchanged; skipped where lm-eval is missing."""

import pytest

from octavo.inference.harness_engines import open_reader
from octavo.modeling.decoding import Decoding, cut, whole


@pytest.fixture(scope="module")
def remote(server, small_run):
    pytest.importorskip("tenacity", reason="needs lm-eval[api]")
    completions = pytest.importorskip("lm_eval.models.openai_completions")
    return completions.LocalCompletionsAPI(
        base_url=f"{server.url}/v1/completions",
        model="small",
        tokenizer_backend="huggingface",
        tokenizer=str(small_run / "release"),
        max_length=128,
        batch_size=4,
    )


def instances(kind, arguments):
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, pair, number) for number, pair in enumerate(arguments)]


def test_loglikelihoods_are_those_of_octavos_own_model(remote, small_run):
    reader = open_reader(small_run, "torch")
    prompt = [reader.begin, *reader.encode("The old keeper")]
    (likeliest,) = reader.write([prompt], Decoding(1, repetition_penalty=1.0), [0])
    pairs = [
        ("The old keeper", likeliest),
        ("The old keeper of the light", " went down to the water."),
        ("The old keeper of the light", " zq"),
        ("Les vieux arbres", " de la forêt"),
        ("", "Erat olim"),
        ("long " * 150, " and the sea"),
        ("The old keeper", " wheel"),
    ]
    rows = [remote._encode_pair(*pair) if pair[0] else ([reader.begin], reader.encode(pair[1])) for pair in pairs]
    expected = reader.weigh([((before + weighed)[-127 : -len(weighed)], weighed) for before, weighed in rows])
    found = remote.loglikelihood(instances("loglikelihood", pairs))
    assert [nats for nats, _ in found] == pytest.approx([row.nats for row in expected], abs=1e-3)
    assert [greedy for _, greedy in found] == [row.likeliest for row in expected]
    assert len({greedy for _, greedy in found}) == 2


def test_continuations_are_those_of_the_engine(remote, served):
    prompts = ["The old keeper", "Erat olim", "Les vieux arbres"]
    settings = {"until": ["\n", ". "], "max_gen_toks": 24, "temperature": 0.0}
    found = remote.generate_until(instances("generate_until", [(prompt, dict(settings)) for prompt in prompts]))
    for prompt, text in zip(prompts, found, strict=True):
        free = whole(served.engine.stream(served.engine.encode(prompt), Decoding(max_tokens=24))).text
        assert text == cut(free, settings["until"])
