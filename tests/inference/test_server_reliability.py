"""Whatever is sent to the server: it answers for what it was, never fails, and goes on."""

import json
import resource
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from tests.inference.serving import LOCAL, head, running, until

BOUNDED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_the_description_allows_and_what_it_does_not_is_answered(server, mode):
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    seen = set()

    def check(case):
        response = case.call(timeout=30)
        assert response.status_code < 500, (case.body, response.text)
        assert response.headers["x-content-type-options"] == ["nosniff"]
        if response.status_code >= 400:
            assert set(response.json()["error"]) == {"message", "type", "param", "code"}
        seen.add((case.path, response.status_code < 400))

    for operation in (found.ok() for found in schema.get_all_operations()):
        if mode is GenerationMode.POSITIVE or operation.method.upper() == "POST":
            BOUNDED(given(operation.as_strategy(generation_mode=mode))(lambda case: check(case)))()
    assert ("/v1/completions", mode is GenerationMode.POSITIVE) in seen
    assert ("/tokenize", mode is GenerationMode.POSITIVE) in seen


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"prompt": "a",}',
        b"null",
        b"[]",
        b'"prompt"',
        b'{"prompt": "\xff\xfe"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": ["a", "\\udfff\\ud800"]}',
        b'{"prompt": "a", "\\ud800": 1}',
        b'{"prompt": "a", "stop": "\\ud800"}',
        b'{"prompt": "a", "model": "\\ud800"}',
        b'{"text": "\\ud800"}',
        b'{"prompt": "a", "temperature": NaN}',
        b'{"prompt": "a", "temperature": Infinity}',
        b'{"prompt": "a", "temperature": 1e999}',
        b'{"prompt": "a", "seed": ' + b"9" * 6000 + b"}",
        b'{"prompt": [' + b"9" * 400 + b"]}",
        b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\x00" * 100,
        "{}".encode("utf-16"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/completions", "/tokenize", "/trace"])
def test_what_is_no_request_is_refused(server, path, body):
    answer = server.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""]
)
def test_a_form_of_another_site_is_no_request(server, kind):
    answer = server.client.post("/v1/completions", content=b'{"prompt": "a"}', headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert "expected a JSON object, sent with Content-Type: application/json" in answer.json()["error"]["message"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x00", "\u2028\u2029\x85\r\n", "\ufeff", "\U0010ffff", "<|end_of_text|>", ""]
)
def test_odd_characters_are_text(server, text):
    asked = {"prompt": text, "max_tokens": 4, "echo": True, "logprobs": 1}
    choice = server.choice(**asked)
    assert choice["text"].startswith(text)
    assert "".join(event["choices"][0]["text"] for event in server.events(**asked)) == choice["text"]
    tokens = server.client.post("/tokenize", json={"text": text}).json()["tokens"]
    assert server.model.vocabulary.text(tokens) == text
    assert server.client.post("/trace", json={"text": text}).status_code == 200


@given(st.text(max_size=40))
@settings(BOUNDED)
def test_any_text_is_told_by_its_tokens(server, text):
    told = server.client.post("/tokenize", json={"text": text}).json()
    assert server.model.vocabulary.text(told["tokens"]) == text
    assert len(told["tokens"]) == len(told["pieces"])


def test_html_in_prompts_comes_back_as_json_alone(server):
    html = "<script>alert(1)</script>"
    for answer in (
        server.complete(prompt=html, echo=True, max_tokens=2),
        server.complete(prompt="a", top_q=html),
        server.client.get(f"/papers/{html}"),
        server.client.get(f"/v1/models/{html}"),
        server.client.post("/trace", json={"text": html}),
    ):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    streamed = server.complete(prompt=html, echo=True, max_tokens=2, stream=True)
    assert streamed.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "path",
    [
        "/web/../app.py",
        "/web/../../../../../../etc/passwd",
        "/web/%2e%2e/app.py",
        "/web/..%2fapp.py",
        "/web/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/web//etc/passwd",
        "/web/app.js%00.css",
        "/web/..\\app.py",
        "/papers/..%2f..%2fconfig.json",
        "/papers/../../etc/passwd",
        "/papers/%00",
        "//web/app.js",
        "/web/%ff%fe",
        "http://localhost/web/../app.py",
    ],
)
def test_no_path_leads_out_of_the_page(server, path):
    answer = server.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"import" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nConnection: close\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"POST /trace HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /trace HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /trace HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        head(None) + b"zz\r\n",
    ],
)
def test_what_is_no_http_is_refused(server, request_):
    answer = server.raw(request_)
    if answer:  # there is none where the client was cut off while it sent
        lines, _, body = answer.partition(b"\r\n\r\n")
        assert lines.startswith(b"HTTP/1.1 4")
        assert b"\r\ncontent-security-policy: default-src 'none'" in lines
        assert json.loads(body)["error"]["message"]
    assert server.client.get("/health").status_code == 200


def test_a_websocket_is_not_opened(server):
    asked = "GET /about HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert server.raw(asked.encode()).startswith(b"HTTP/1.1 200 ")


def test_disconnects_at_any_moment_leave_nothing_behind(server):
    body = json.dumps({"prompt": "a", "max_tokens": 60, "n": 4, "stream": True}).encode()
    whole = head(len(body)) + body
    for cut in (1, 40, len(whole) - len(body), len(whole) - 1, len(whole)):
        for read in (0, 1, 3000):
            connection = server.connect()
            connection.sendall(whole[:cut])
            if cut == len(whole) and read:
                connection.recv(read)
            connection.close()
    until(lambda: server.counts()["octavo_requests_admitted"] == 0)
    until(lambda: server.busy_slots() == 0, 2)
    assert server.choice(prompt="a", max_tokens=2)["text"]


def test_a_thousand_connections_at_once(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1000
    needed = 2 * wanted + 500  # both ends are in this process
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip("the system lets a process have too few connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    body = json.dumps({"prompt": "a", "max_tokens": 2}).encode()
    with running(served) as up:
        connections = [socket.create_connection((LOCAL, up.port), timeout=30) for _ in range(wanted)]
        try:
            for connection in connections:
                connection.sendall(head(len(body)) + body)
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda connection: connection.recv(12), connections))
        finally:
            for connection in connections:
                connection.close()
        told = {answer: answers.count(answer) for answer in set(answers)}
        assert set(told) <= {b"HTTP/1.1 200", b"HTTP/1.1 429"}
        assert told[b"HTTP/1.1 200"] >= 2
        assert up.complete(prompt="a", max_tokens=2).status_code == 200
        counts = up.counts()
        assert (counts["octavo_requests_admitted"], counts["octavo_choices_waiting"]) == (0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
