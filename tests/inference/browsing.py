"""What the tests of the page share: a stand-in for the server that keeps to its contract, and a browser."""

from __future__ import annotations

import contextlib
import json
import mimetypes
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
NEEDS_BROWSER = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
PROMPT = "The old keeper"
WRITTEN = "The old keeper went down to the water."
"""The prompt with what the stand-in writes unless it is told otherwise."""
WEB = files("octavo.inference.server") / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ABOUT = {
    "model": {"id": "starter", "parameters": 5_180_672, "context": 512, "format": "BF16"},
    "defaults": {
        "max_tokens": 128,
        "temperature": 0.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repetition_penalty": 1.1,
        "seed": 0,
        "stop": [],
    },
    "limits": {"max_tokens": 512, "prompt_tokens": 512},
    "trace": {"documents": 240, "words": 120_000},
    "papers": [
        {"title": "Model card", "url": "/papers/model-card"},
        {"title": "Training summary", "url": "/papers/training-summary"},
        {"title": "Evaluation report", "url": "/papers/evaluation-report"},
    ],
    "key_required": False,
}
NOTHING = {"spans": [], "words": 12, "covered": 0, "longest": 3, "corpus": {"documents": 240, "words": 120_000}}


@dataclass
class StandIn:
    """What the stand-in answers next, and what it was asked."""

    pieces: list[str] = field(default_factory=lambda: [" went", " down", " to", " the", " water", "."])
    finish: str = "stop"
    about: dict[str, Any] = field(default_factory=lambda: ABOUT)
    spans: list[dict[str, Any]] = field(default_factory=list)
    key: str | None = None
    refusals: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """Status, headers and message for the next completions, one each."""
    lost_after: int | None = None
    """How many pieces are written before the connection breaks, at `go`."""
    hold_after: int | None = None
    """How many pieces are written before the rest waits for `go`."""
    go: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a reader closed the connection before the end."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)
    address: str = ""


def span(text: str, passage: str, *documents: dict[str, Any], count: int = 1) -> dict[str, Any]:
    """A span as POST /trace tells it, at the first place of the passage in the text."""
    start = text.index(passage)
    words = len(passage.split())
    found = {"text": passage, "words": words, "count": count, "rarity": 20.0, "documents": list(documents)}
    return {"start": start, "end": start + len(passage), **found}


def document(**changes: Any) -> dict[str, Any]:
    """A source document as POST /trace tells it."""
    told = {
        "identifier": "letters/1",
        "title": "A Letter from the Harbour",
        "creator": "Ada Keel",
        "date": "1872",
        "language": "English",
        "collection": "Letters",
        "licence": "CC-BY-4.0",
        "url": "https://example.org/letters/1",
        "before": "In the evening she ",
        "passage": "went down to the water",
        "after": ", and waited.",
    }
    return told | changes


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def answer(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
            self.send_response(status)
            policy = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                **policy,
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def tell(self, told: object, status: int = 200, **headers: str) -> None:
            self.answer(json.dumps(told).encode(), "application/json", status, **headers)

        def refuse(self, status: int, message: str, **headers: str) -> None:
            self.tell(
                {"error": {"message": message, "type": "error", "param": None, "code": None}}, status, **headers
            )

        def do_GET(self) -> None:
            name = "index.html" if self.path == "/" else self.path.removeprefix("/web/")
            if self.path == "/about":
                self.tell(stand_in.about)
            elif name in {part.name for part in WEB.iterdir()}:
                self.answer((WEB / name).read_bytes(), mimetypes.guess_type(name)[0] or "")
            else:
                self.refuse(404, f"no {self.path}")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if stand_in.key and self.headers["Authorization"] != f"Bearer {stand_in.key}":
                self.refuse(401, "a key is needed")
            elif self.path == "/trace":
                stand_in.traced.append(asked["text"])
                self.tell({**NOTHING, "text": asked["text"], "spans": stand_in.spans})
            elif stand_in.refusals:
                status, headers, message = stand_in.refusals.pop(0)
                self.refuse(status, message, **headers)
            else:
                stand_in.asked.append(asked)
                self.weigh(asked) if asked.get("echo") else self.write(asked)

        def weigh(self, asked: dict[str, Any]) -> None:
            tokens = re.findall(r" ?[^ ]+| ", asked["prompt"])
            told = [_logprobs(token, asked) or {} for token in tokens]
            logprobs = {name: [value for each in told for value in each[name]] for name in told[0]}
            logprobs["text_offset"] = [sum(map(len, tokens[:number])) for number in range(len(tokens))]
            self.tell({"choices": [{"text": asked["prompt"], "logprobs": logprobs}]})

        def write(self, asked: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for number, piece in enumerate(stand_in.pieces):
                    if number in (stand_in.hold_after, stand_in.lost_after):
                        # Empty events find out whether the reader is still there.
                        while not stand_in.go.wait(0.02):
                            self.chunk(": waiting\n\n")
                    if number == stand_in.lost_after:
                        self.close_connection = True
                        return
                    self.event({"text": piece, "logprobs": _logprobs(piece, asked), "finish_reason": None})
                end = {"finish_reason": "stop" if stand_in.finish == "stop" else "length"}
                self.event({"text": "", "logprobs": None, **end, "octavo_finish": stand_in.finish})
                self.chunk("data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True
                stand_in.gone.set()

        def event(self, choice: dict[str, Any]) -> None:
            self.chunk(f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n")

        def chunk(self, text: str) -> None:
            self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
            self.wfile.flush()

    return Handler


def _logprobs(piece: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    if not asked.get("logprobs"):
        return None
    chances = {piece: -0.51, " over": -1.61, " <b>": -3.2}
    return {"tokens": [piece], "token_logprobs": [-0.51], "top_logprobs": [chances], "text_offset": [0]}


@contextlib.contextmanager
def standing_in() -> Iterator[StandIn]:
    """A stand-in that listens on a port of its own."""
    stand_in = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    stand_in.address = f"http://127.0.0.1:{server.server_port}/"
    yield stand_in
    stand_in.go.set()
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, and what it should never have: console errors, violations of its policy, dialogs."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def go(self, address: str) -> Page:
        """The page as it is at the beginning."""
        self.wrong.clear()
        self.page.unroute_all()
        self.page.goto(address)
        self.page.locator(".setting, .trouble").first.wait_for(state="attached")
        return self.page


@contextlib.contextmanager
def window(browser: Browser, width: int = 1280, height: int = 900, **context: Any) -> Iterator[Opened]:
    """A window of a size."""

    def dismiss(dialog: Dialog) -> None:
        found.wrong.append(dialog.message)
        dialog.dismiss()

    opened = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **context)
    found = Opened(opened.new_page())
    page = found.page
    page.set_default_timeout(8000)
    page.on("console", lambda message: found.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.wrong.append(str(error)))
    page.on("dialog", dismiss)
    yield found
    opened.close()


def begin(page: Page, text: str = PROMPT) -> None:
    page.get_by_label("Your text").fill(text)
    page.get_by_role("button", name="Continue").click()


def text_of(page: Page) -> str:
    return str(page.locator("#text").evaluate("text => text.textContent"))


def done(page: Page) -> None:
    expect(page.get_by_role("status")).to_contain_text("in the corpus")
    expect(page.get_by_role("status")).not_to_contain_text("…")
