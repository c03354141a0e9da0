"""What the server lets through, and what becomes of requests that nobody waits for."""

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from octavo.errors import InputError
from octavo.inference.server.limits import Limits
from octavo.inference.server.listening import host_names, is_key, is_loopback, keys_for, name_of, read_keys
from tests.inference.serving import head, running, until

LONG = {"prompt": [40] * 8, "max_tokens": 119, "n": 20, "temperature": 1.0, "logprobs": 20, "seed": 1}
"""A second of work on two idle cores."""

LONGER = LONG | {"prompt": [LONG["prompt"]] * 6}
"""Six seconds of work."""


@pytest.fixture(scope="module")
def strict(served):
    """A server that lets little through."""
    limits = Limits(body=20_000, choices=24, weighed=300, trace=50, queue=1, head=0.5, body_read=0.5, stalled=0.5)
    with running(served, limits) as up:
        yield up


@pytest.mark.parametrize(
    ("asked", "field", "told"),
    [
        ({}, "prompt", "prompt: Field required"),
        ({"prompt": 3}, "prompt", "prompt: expected a text, a list of texts, a list of tokens"),
        ({"prompt": ["a", 3]}, "prompt", "prompt: expected a text"),
        ({"prompt": [-1]}, "prompt", "prompt: expected a text"),
        ({"prompt": [True]}, "prompt", "prompt: expected a text"),
        ({"prompt": []}, "prompt", "prompt: found 0 prompts and n = 1, expected 1 to 24 texts to write in all"),
        ({"prompt": [[]]}, "prompt", "prompt: found 0 tokens, expected 1 to 127"),
        ({"prompt": [5] * 128}, "prompt", "prompt: found 128 tokens, expected 1 to 127"),
        ({"prompt": "word " * 180}, "prompt", "tokens, expected 1 to 127"),
        ({"prompt": "x" * 9_000}, "prompt", "prompt: found 9,000 characters, expected at most"),
        ({"prompt": [2048]}, "prompt", "prompt: found the token 2,048, expected those of 2,048 entries"),
        ({"prompt": ["a"] * 9, "n": 3}, "prompt", "prompt: found 9 prompts and n = 3, expected 1 to 24 texts"),
        (
            {"prompt": [[5] * 60] * 2, "n": 3, "echo": True, "logprobs": 0, "max_tokens": 1},
            "prompt",
            "prompt: found 360 tokens to repeat with log-probabilities, expected at most 300 in one request",
        ),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens", "max_tokens: found -1: Input should be greater"),
        (
            {"prompt": "a", "max_tokens": 129},
            "max_tokens",
            "max_tokens: found 129, expected at most 128, as many as the model's context holds",
        ),
        (
            {"prompt": "a", "max_tokens": "9"},
            "max_tokens",
            "max_tokens: found '9': Input should be a valid integer",
        ),
        ({"prompt": "a", "temperature": -0.1}, "temperature", "temperature: found -0.1"),
        ({"prompt": "a", "top_p": 0}, "top_p", "top_p: found 0"),
        ({"prompt": "a", "min_p": 1.1}, "min_p", "min_p: found 1.1"),
        ({"prompt": "a", "repetition_penalty": 0}, "repetition_penalty", "repetition_penalty: found 0"),
        ({"prompt": "a", "seed": 2**63}, "seed", "seed: found 9223372036854775808"),
        ({"prompt": "a", "repetition_penalty": 1e-40}, "repetition_penalty", "repetition_penalty: found 1e-40"),
        ({"prompt": "a", "n": 2, "best_of": 3}, "best_of", "best_of: found 3, expected none"),
        ({"prompt": "a", "n": 21}, "n", "n: found 21"),
        ({"prompt": "a", "logprobs": 21}, "logprobs", "logprobs: found 21"),
        ({"prompt": "a", "stop": [""]}, "stop", "stop: expected a text of 1 to 256 characters"),
        ({"prompt": "a", "stop": ["x"] * 17}, "stop", "or a list of up to 16 such texts"),
        ({"prompt": "a", "stop": "x" * 257}, "stop", "stop: expected a text of 1 to 256"),
        ({"prompt": "a", "frequency_penalty": 0.5}, "frequency_penalty", "octavo has repetition_penalty instead"),
        ({"prompt": "a", "presence_penalty": 1}, "presence_penalty", "presence_penalty: found 1"),
        ({"prompt": "a", "logit_bias": {"5": 1}}, "logit_bias", "logit_bias: found {'5': 1"),
        ({"prompt": "a", "best_of": 2}, "best_of", "best_of: found 2, expected none"),
        ({"prompt": "a", "suffix": "b"}, "suffix", "suffix: found 'b', expected none"),
        ({"prompt": "a", "stream_options": {}}, "stream_options", "it goes with stream: true"),
        ({"prompt": "a", "top_q": 1}, "top_q", "top_q: found 1: Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_field(strict, asked, field, told):
    answer = strict.complete(**asked)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert told in error["message"]
    assert (error["type"], error["param"]) == ("invalid_request_error", field)


def test_null_and_what_does_nothing_are_as_if_missing(strict):
    nothing = dict.fromkeys(("suffix", "best_of", "logit_bias", "stop", "seed", "logprobs", "temperature", "top_k"))
    neutral = {"presence_penalty": 0, "frequency_penalty": 0.0, "best_of": 1, "logit_bias": {}, "user": "someone"}
    assert strict.choice(prompt="a", max_tokens=5, **nothing | neutral) == strict.choice(prompt="a", max_tokens=5)
    for asks_for_nothing in ({"n": 2, "best_of": 2}, {"seed": -1}, {"seed": 2**40}):
        assert strict.complete(prompt="a", max_tokens=1, **asks_for_nothing).status_code == 200
    options = {"include_usage": True, "include_obfuscation": False}
    assert strict.complete(prompt="a", max_tokens=1, stream=True, stream_options=options).status_code == 200


def test_long_texts_are_not_traced(strict):
    answer = strict.client.post("/trace", json={"text": "a" * 51})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "text")
    assert strict.client.post("/trace", json={"text": "a" * 50}).status_code == 200


def test_a_large_body_is_refused_announced_or_not(strict):
    body = json.dumps({"prompt": "a", "user": "x" * 30_000}).encode()
    announced = strict.raw(head(len(body)) + body)
    chunk = b"1000\r\n" + b"[" * 4096 + b"\r\n"
    chunked = strict.raw(head(None) + chunk * 8)
    for answer in (announced, chunked, strict.raw(head(10**12))):
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        '{"prompt": [' + "true, " * 400_000 + '""]}',
        '{"prompt": [' + "[1], " * 100_000 + '"a"]}',
        '{"prompt": "a", "stop": [' + "1, " * 400_000 + "1]}",
        '{"prompt": "a", "logit_bias": {' + ", ".join(f'"{n}": "x"' for n in range(100_000)) + "}}",
        "{" + ", ".join(f'"{n}": 1' for n in range(100_000)) + "}",
        '{"prompt": "a", "stream": true, "stream_options": {'
        + ", ".join(f'"{n}": 1' for n in range(100_000))
        + "}}",
        json.dumps({"prompt": "a", "model": "x" * 2_000_000}),
        json.dumps({"prompt": "a", "suffix": "x" * 2_000_000}),
    ],
    ids=range(8),
)
def test_a_body_of_nothing_but_mistakes_costs_no_more_than_one_of_them(server, body):
    began = time.process_time()
    answer = server.client.post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404)
    assert len(answer.content) < 500
    assert time.process_time() - began < 1  # of all threads: it was 20 s


def test_slow_clients_are_not_waited_for(strict):
    with strict.connect() as silent, strict.connect() as hesitant:
        hesitant.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: local")
        for connection in (silent, hesitant):
            began = time.monotonic()
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            assert time.monotonic() - began < 5
    assert strict.raw(head(100) + b'{"prompt": ').startswith(b"HTTP/1.1 408 ")
    with contextlib.closing(HTTPConnection("127.0.0.1", strict.port, timeout=5)) as kept:
        for _ in range(2):  # an answered client may ask again, but not whenever it likes
            kept.request("GET", "/about")
            assert json.load(kept.getresponse())["model"]
        with contextlib.suppress(ConnectionResetError):
            assert kept.sock.recv(1) == b""


def test_a_request_that_never_ends_is_let_go_and_its_place_with_it(strict):
    with strict.connect() as connection:
        connection.sendall(head(10_000) + b"{")
        until(lambda: strict.counts()["octavo_requests_admitted"] == 1)
        until(lambda: strict.counts()["octavo_requests_admitted"] == 0)


def test_over_the_queue_clients_are_told_when_to_come_again(served):
    with running(served, Limits(queue=1)) as up, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(up.complete, **LONG | {"n": 5}) for _ in range(3)]
        until(lambda: up.counts()["octavo_requests_admitted"] == 3)
        assert up.counts()["octavo_choices_waiting"] >= 1
        busy = up.complete(prompt="a", max_tokens=1)
        assert (busy.status_code, busy.json()["error"]["code"]) == (429, "queue_full")
        assert 1 <= int(busy.headers["retry-after"]) <= 60
        assert up.client.get("/about").status_code == 200
        assert up.client.get("/health").status_code == 200
        assert [answer.result().status_code for answer in asked] == [200] * 3
        assert up.complete(prompt="a", max_tokens=1).status_code == 200


def test_no_request_has_all_the_slots_for_itself(server):
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(server.complete, **LONG)
        until(lambda: server.counts()["octavo_choices_running"] == 2)
        assert server.complete(prompt="a", max_tokens=2).status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_its_slots_at_once(server, stream):
    before = server.counts()["octavo_requests_cancelled_total"]
    body = json.dumps({**LONG, "stream": stream}).encode()
    connection = server.connect()
    connection.sendall(head(len(body)) + body)
    if stream:
        assert connection.recv(100)
    until(lambda: server.busy_slots() == 2)
    connection.close()
    assert until(lambda: server.busy_slots() == 0) < 1
    assert server.counts()["octavo_requests_cancelled_total"] == before + 1
    assert server.counts()["octavo_requests_admitted"] == 0


def test_a_waiting_request_gets_the_turn_of_one_that_left(served):
    with running(served) as up, ThreadPoolExecutor(4) as pool:
        body = json.dumps({**LONGER, "stream": True}).encode()
        connections = [up.connect() for _ in range(4)]
        for connection in connections:
            connection.sendall(head(len(body)) + body)
        until(lambda: up.counts()["octavo_choices_waiting"] >= 2)
        waiting = pool.submit(up.complete, prompt="a", max_tokens=2)
        for connection in connections:
            connection.close()
        assert waiting.result(timeout=10).status_code == 200


def test_a_client_that_does_not_read_keeps_no_slot_and_no_memory(strict):
    body = json.dumps({**LONG, "stream": True}).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with connection:
        connection.connect(("127.0.0.1", strict.port))
        connection.sendall(head(len(body)) + body)
        until(lambda: strict.counts()["octavo_choices_running"] == 2)
        until(lambda: strict.counts()["octavo_requests_admitted"] == 0)
        assert strict.busy_slots() == 0


def test_the_time_of_a_request_is_bounded(served):
    with running(served, Limits(request=1.5)) as up:
        answer = up.complete(**LONGER)
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
        streamed = up.complete(**LONGER, stream=True, echo=True)
        assert streamed.status_code == 200
        *_, last, end = streamed.text.split("\n\n")
        assert (json.loads(last.removeprefix("data: "))["error"]["code"], end) == ("timeout", "")
        until(lambda: up.busy_slots() == 0, 3)


def test_while_it_closes_running_requests_end_and_new_ones_are_refused(served):
    with running(served) as up, ThreadPoolExecutor(1) as pool:
        long = pool.submit(up.complete, **LONG)
        until(lambda: up.counts()["octavo_choices_running"] == 2)
        up.standing.closing = True
        health, refused = up.client.get("/health"), up.complete(prompt="a", max_tokens=1)
        assert (health.status_code, refused.status_code) == (503, 503)
        assert refused.json()["error"]["code"] == "shutting_down"
        assert len(long.result().json()["choices"]) == 20


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "localhost.example.org:80", "", "[::2]"])
def test_another_hosts_name_is_refused(server, host):
    answer = server.raw(f"GET /about HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1:80", "[::1]:80", "[::1]"])
def test_this_machines_names_are_known(server, host):
    answer = server.raw(f"GET /about HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_past_this_machine_any_name_may_be_used():
    assert host_names("0.0.0.0") is None
    assert host_names("127.0.0.5") == {"localhost", "127.0.0.1", "[::1]", "127.0.0.5"}
    assert name_of("Example.org:443") == "example.org"
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "example.org")] == [
        *[True] * 3,
        *[False] * 3,
    ]


def test_past_this_machine_keys_are_needed():
    with pytest.raises(InputError, match=r"--host 0\.0\.0\.0: found no --api-key-file, expected one"):
        keys_for("0.0.0.0", None)
    assert keys_for("localhost", None) == ()


def test_keys_are_one_a_line_and_secret(tmp_path):
    file = tmp_path / "keys"
    file.write_text("first\n\n second \n")
    file.chmod(0o600)
    assert read_keys(file) == (b"first", b"second")
    assert is_key(b"bearer second", read_keys(file))
    assert not is_key(b"Bearer ", read_keys(file))
    file.chmod(0o640)
    with pytest.raises(InputError, match=r"found mode 640, expected 600"):
        read_keys(file)
    file.chmod(0o600)
    for content, told in ((b"\n \n", "found no key"), (b"a\nb c\n", "line 2: found a key"), (b"\xff", "no UTF-8")):
        file.write_bytes(content)
        with pytest.raises(InputError, match=told):
            read_keys(file)
    with pytest.raises(InputError, match="No such file"):
        read_keys(tmp_path / "none")
