"""The server as its clients see it: OpenAI's, those of the page, and those who watch over it."""

import json
import shutil
from pathlib import Path

import openai
import pytest
import torch

from octavo.inference.server.gate import PAGE_POLICY
from octavo.inference.server.served_model import open_served_model
from octavo.modeling.decoding import Decoding, whole
from tests.inference.serving import running

PROMPT = "The old keeper"


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def written(model, prompt, decoding):
    return by_engine(model, prompt, decoding).text


def by_engine(model, prompt, decoding):
    return whole(model.engine.stream(model.engine.encode(prompt), decoding))


def test_the_openai_client_gets_the_text_that_the_engine_writes(client, served):
    answer = client.completions.create(model="small", prompt=PROMPT, max_tokens=20)
    assert answer.choices[0].text == written(served, PROMPT, Decoding(max_tokens=20))
    assert (answer.choices[0].finish_reason, answer.choices[0].logprobs) == ("length", None)
    assert answer.usage.prompt_tokens == len(served.engine.encode(PROMPT))
    assert (answer.usage.completion_tokens, answer.object) == (20, "text_completion")


def test_the_openai_client_streams_the_same_text(client, served):
    stream = client.completions.create(
        model="small", prompt=PROMPT, max_tokens=20, stream=True, stream_options={"include_usage": True}
    )
    *chunks, counted = stream
    assert "".join(chunk.choices[0].text for chunk in chunks) == written(served, PROMPT, Decoding(max_tokens=20))
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["length"]
    assert len(chunks) > 10
    assert (counted.choices, counted.usage.completion_tokens) == ([], 20)
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks)
    uncounted = list(client.completions.create(model="small", prompt=PROMPT, max_tokens=2, stream=True))
    assert not any("usage" in chunk.model_fields_set for chunk in uncounted)


def test_the_openai_client_lists_the_model(client):
    assert [model.id for model in client.models.list()] == ["small"]
    assert client.models.retrieve("small").owned_by == "octavo"
    with pytest.raises(openai.NotFoundError, match="found 'gpt-4', expected 'small'"):
        client.models.retrieve("gpt-4")
    with pytest.raises(openai.NotFoundError, match="found 'gpt-4', expected 'small'"):
        client.completions.create(model="gpt-4", prompt=PROMPT)


def test_octavos_own_settings_reach_the_engine(server, served):
    settings = {"temperature": 0.9, "top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.3, "seed": 5}
    text = server.choice(prompt=PROMPT, max_tokens=24, **settings)["text"]
    assert text == written(served, PROMPT, Decoding(max_tokens=24, **settings))
    others = {server.choice(prompt=PROMPT, max_tokens=24, **settings | {"seed": n})["text"] for n in range(6, 9)}
    assert len({text, *others}) == 4


def test_without_a_seed_each_draw_is_another(server):
    asked = {"prompt": PROMPT, "max_tokens": 24, "temperature": 1.0}
    assert len({server.choice(**asked)["text"] for _ in range(3)}) == 3


def test_several_prompts_and_texts_come_in_order_each_by_its_own_seed(server, served):
    tokens = [served.engine.encode(text) for text in (PROMPT, "Erat olim")]
    answer = server.complete(prompt=tokens, n=3, temperature=1.0, seed=7, max_tokens=12).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3, 4, 5]
    ends = 0
    for choice in answer["choices"]:
        prompt, number = divmod(choice["index"], 3)
        expected = by_engine(served, (PROMPT, "Erat olim")[prompt], Decoding(12, temperature=1.0, seed=7 + number))
        assert choice["text"] == expected.text
        assert choice["octavo_finish"] == expected.finish
        ends += expected.tokens + (expected.finish == "stop")  # the end of the text is a token, too
    assert answer["usage"]["prompt_tokens"] == sum(map(len, tokens))
    assert answer["usage"]["completion_tokens"] == ends


def test_streamed_texts_side_by_side_are_told_apart(server):
    asked = {"prompt": [PROMPT, "Erat olim", "Le vieux"], "max_tokens": 12}
    whole = {choice["index"]: choice["text"] for choice in server.complete(**asked).json()["choices"]}
    texts = dict.fromkeys(whole, "")
    for event in server.events(**asked):
        (choice,) = event["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == whole


def test_writing_ends_at_a_stop_string_and_at_the_edge_of_the_context(server, served):
    free = server.choice(prompt=PROMPT, max_tokens=40)["text"]
    for stop in (free[9:12], [free[9:12], "never"]):
        choice = server.choice(prompt=PROMPT, max_tokens=40, stop=stop)
        assert choice["text"] == free[: free.index(free[9:12])]
        assert (choice["finish_reason"], choice["octavo_finish"]) == ("stop", "stop")
    full = server.choice(prompt=[40] * 120, max_tokens=100)
    assert (full["finish_reason"], full["octavo_finish"]) == ("length", "context")
    assert server.choice(prompt=PROMPT, max_tokens=0)["text"] == ""


def test_log_probabilities_fit_the_text(server):
    choice = server.choice(prompt="Ô temps, 日本", max_tokens=30, logprobs=3, echo=True, temperature=1.5, seed=3)
    told = choice["logprobs"]
    assert len({len(values) for values in told.values()}) == 1
    for place, label in enumerate(told["tokens"]):
        if not label.startswith(("bytes:", "<|")):
            assert choice["text"][told["text_offset"][place] :].startswith(label)
        likeliest = told["top_logprobs"][place]
        assert likeliest[label] == told["token_logprobs"][place]
        assert 3 <= len(likeliest) <= 4
        assert max(likeliest.values()) <= 0
    assert server.choice(prompt=PROMPT, max_tokens=3)["logprobs"] is None
    least = server.choice(prompt=PROMPT, max_tokens=3, logprobs=0)["logprobs"]["top_logprobs"]
    assert [len(likeliest) for likeliest in least] == [1, 1, 1]


def test_streamed_log_probabilities_are_those_of_the_whole(server):
    asked = {"prompt": PROMPT, "max_tokens": 20, "logprobs": 2, "echo": True, "stop": ["zq"]}
    whole = server.choice(**asked)["logprobs"]
    parts = [event["choices"][0]["logprobs"] for event in server.events(**asked)]
    for name in ("tokens", "text_offset"):
        assert [value for part in parts for value in part[name]] == whole[name]
    values = [value for part in parts for value in part["token_logprobs"]]
    assert values == pytest.approx(whole["token_logprobs"], abs=1e-3)


@pytest.mark.parametrize("count", [0, 1])
def test_a_prompts_log_probabilities_are_those_of_transformers(server, small_run, count):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(small_run / "release", dtype=torch.float32)
    prompts = [[1, 40, 50, 60], [1, *range(300, 426)], [77, 78]]
    answer = server.complete(prompt=prompts, echo=True, logprobs=1, max_tokens=count).json()
    for prompt, choice in zip(prompts, answer["choices"], strict=True):
        with torch.inference_mode():
            expected = theirs(torch.tensor([prompt])).logits[0].log_softmax(-1)
        told = choice["logprobs"]
        assert len(told["tokens"]) == len(prompt) + count
        assert told["token_logprobs"][0] is None
        assert told["top_logprobs"][0] is None
        places = range(len(prompt) - 1)
        own = [float(expected[place, prompt[place + 1]]) for place in places]
        assert told["token_logprobs"][1 : len(prompt)] == pytest.approx(own, abs=1e-4)
        for place in places:
            greedy = int(expected[place].argmax()) == prompt[place + 1]
            assert (max(told["top_logprobs"][place + 1].values()) == told["token_logprobs"][place + 1]) == greedy
        if count:  # llama.cpp's, before any penalty
            assert max(told["top_logprobs"][-1].values()) == pytest.approx(float(expected[-1].max()), abs=0.05)


def test_a_prompts_text_is_read_without_the_begin_of_text_token(server, served):
    tokens = served.engine.encode(PROMPT)
    text = server.choice(prompt=PROMPT, echo=True, logprobs=1, max_tokens=1)
    by_tokens = server.choice(prompt=tokens, echo=True, logprobs=1, max_tokens=1)
    assert text["text"] == by_tokens["text"]
    assert text["text"].startswith(PROMPT)
    assert "".join(text["logprobs"]["tokens"]) == text["text"]
    assert by_tokens["logprobs"]["tokens"][1:] == text["logprobs"]["tokens"]
    assert by_tokens["logprobs"]["token_logprobs"][1:-1] == text["logprobs"]["token_logprobs"][:-1]


def test_a_text_that_fills_the_context_can_be_weighed(server):
    full = [1, *range(300, 427)]
    told = server.choice(prompt=full, echo=True, logprobs=1, max_tokens=0)["logprobs"]
    assert len(told["tokens"]) == len(full) == 128
    for prompt, tokens in ((full, 1), ([*full, 300], 0)):
        assert server.complete(prompt=prompt, echo=True, logprobs=1, max_tokens=tokens).status_code == 400


def test_the_page_is_told_what_it_needs(server, served):
    about = server.client.get("/about").json()
    assert about["model"]["id"] == "small"
    assert about["model"]["context"] == 128
    assert about["model"]["format"] == "BF16"
    assert about["model"]["parameters"] == sum(p.numel() for p in _model(served).parameters())
    assert about["defaults"] == {**vars(Decoding()), "stop": []}
    assert about["limits"] == {"max_tokens": 128, "prompt_tokens": 127, "trace_characters": 100_000}
    assert about["trace"]["documents"] > 100
    assert about["key_required"] is False
    for paper in about["papers"]:
        page = server.client.get(paper["url"])
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "script-src" not in page.headers["content-security-policy"]
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in page.text
    assert [paper["title"] for paper in about["papers"]] == ["Model card", "Training summary", "Evaluation report"]


def _model(served):
    from octavo.modeling.gguf.reading import load_gguf

    return load_gguf(served.engine.gguf).model


def test_the_page_and_its_parts_are_served_under_a_strict_policy(server):
    page = server.client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == PAGE_POLICY
    part = server.client.get("/web/app.js")
    assert part.headers["content-type"] == "text/javascript; charset=utf-8"
    assert part.headers["x-content-type-options"] == "nosniff"
    assert part.headers["referrer-policy"] == "no-referrer"
    assert server.client.head("/").headers["content-length"] == page.headers["content-length"]


def test_a_text_is_told_by_its_tokens(server, served):
    text = "Ô temps! 日本\n"
    told = server.client.post("/tokenize", json={"text": text}).json()
    assert told["tokens"] == served.engine.encode(text)
    assert told["pieces"][0] == "<|begin_of_text|>"
    as_bytes = [
        bytes.fromhex(piece[6:].replace("\\x", "")) if piece.startswith("bytes:") else piece.encode()
        for piece in told["pieces"][1:]
    ]
    assert b"".join(as_bytes).decode() == text


def test_what_stands_in_the_corpus_is_found_with_its_document(server, small_run):
    import pyarrow.parquet as pq

    document = pq.read_table(small_run / "corpus/kept").to_pylist()[0]
    words = document["text"].split()
    passage = " ".join(words[20:60])
    traced = server.client.post("/trace", json={"text": f"🙂 Zyx wvu {passage} qrs zyx."}).json()
    longest = max(traced["spans"], key=lambda span: span["words"])
    assert document["identifier"] in [found["identifier"] for found in longest["documents"]]
    assert "".join(list(traced["text"])[longest["start"] : longest["end"]]) == longest["text"]
    nothing = server.client.post("/trace", json={"text": "Zyx wvu qrs zyx wvu."}).json()
    assert (nothing["spans"], nothing["covered"]) == ([], 0)


def test_without_an_index_there_is_nothing_to_trace(small_run, tmp_path):
    model = open_served_model(Path(shutil.copy(small_run / "release/gguf/small-F32.gguf", tmp_path)), 1, None)
    with running(model) as up:
        assert up.client.get("/about").json()["trace"] is None
        answer = up.client.post("/trace", json={"text": "a"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_index")


def test_keys_guard_what_costs_work_and_nothing_else(served):
    with running(served, keys=[b"first", b"second"]) as up:
        assert up.client.get("/about").json()["key_required"] is True
        for path in ("/", "/health", "/metrics", "/papers/model-card", "/openapi.json"):
            assert up.client.get(path).status_code == 200
        asked = {"prompt": PROMPT, "max_tokens": 1}
        for given in (None, "Bearer third", "first", "Basic first", "Bearer first second", "Bearer", "Bearer \xff"):
            headers = {} if given is None else {"Authorization": given.encode("latin-1")}
            for path in ("/v1/completions", "/tokenize", "/trace"):
                answer = up.client.post(path, json=asked, headers=headers)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
            assert up.client.get("/v1/models", headers=headers).status_code == 401
        for key in ("first", "second"):
            with openai.OpenAI(base_url=f"{up.url}/v1", api_key=key, max_retries=0) as client:
                assert client.completions.create(model="small", **asked).choices[0].text
        with (
            openai.OpenAI(base_url=f"{up.url}/v1", api_key="third", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.models.list()


def test_what_was_done_is_counted(served):
    with running(served) as up:
        up.choice(prompt=PROMPT, max_tokens=9)
        up.complete(prompt=PROMPT, max_tokens=-1)
        up.client.get("/web/nothing.js")
        up.client.get("/made/up")
        up.client.post("/trace", json={"text": "a b"})
        counts = up.counts()
    assert counts['octavo_requests_total{endpoint="/v1/completions",status="200"}'] == 1
    assert counts['octavo_requests_total{endpoint="/v1/completions",status="400"}'] == 1
    assert counts['octavo_requests_total{endpoint="/web/NAME",status="404"}'] == 1
    assert counts['octavo_requests_total{endpoint="other",status="404"}'] == 1
    assert counts["octavo_completion_tokens_total"] == 9
    assert counts["octavo_prompt_tokens_total"] == len(served.engine.encode(PROMPT))
    assert counts["octavo_time_to_first_token_seconds_count"] == 1
    assert counts["octavo_time_per_output_token_seconds_count"] == 1
    assert counts["octavo_trace_seconds_count"] == 1
    assert (counts["octavo_slots"], counts["octavo_choices_running"], counts["octavo_choices_waiting"]) == (2, 0, 0)
    assert PROMPT not in json.dumps(counts)
