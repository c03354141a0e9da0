"""The server of one model: a page, OpenAI's completions, and what the corpus holds of a text.

What is asked and written is kept nowhere and logged nowhere.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from octavo import __version__
from octavo.errors import InputError, OctavoError
from octavo.inference.server.answering import ClientGoneError, Completions, in_thread, unless_gone
from octavo.inference.server.completions import CompletionRequest, RefusedFieldError, TextRequest, shown
from octavo.inference.server.gate import Gate, Standing, refusal
from octavo.inference.server.limits import LONGEST_STOP, MOST_CHOICES, MOST_STOPS, Limits, Turns
from octavo.inference.server.metrics import Metrics
from octavo.inference.server.papers import POLICY
from octavo.inference.server.served_model import ServedModel
from octavo.inference.server.upstream import Upstream
from octavo.tracing.index.reading import Index
from octavo.tracing.trace import trace

WEB: Final = Path(__file__).parent / "web"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class OpenAIErrorBody(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error, in OpenAI's shape."""

    error: OpenAIErrorBody


_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"model": OpenAIError, "description": "The request cannot be followed"},
    "5XX": {"model": OpenAIError, "description": "The server cannot answer"},
}


def create_app(
    model: ServedModel,
    limits: Limits,
    keys: Collection[bytes] = (),
    hosts: Collection[str] | None = None,
    standing: Standing | None = None,
) -> ASGIApp:
    """The application: `keys` that requests must bear one of, if there are any, and `hosts` that they may name."""
    turns = Turns(model.engine.slots, limits.queue)
    metrics = Metrics(turns)
    standing = standing or Standing()
    upstream = Upstream(model.engine.address, model.engine.key)
    completions = Completions(model, upstream, turns, metrics, limits)
    tracing = ThreadPoolExecutor(2, "trace")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        completions.close()
        tracing.shutdown(wait=False, cancel_futures=True)
        await upstream.close()

    app = FastAPI(
        title="octavo",
        version=__version__,
        description="A small open language model that continues texts, and where its words stand in its corpus.",
        # The pages that FastAPI has for them load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=_ERRORS,
    )
    app.router.route_class = _Route
    _say_errors(app)
    _serve_pages(app, model)

    @app.get("/about")
    def about() -> dict[str, Any]:
        """What is served, with which defaults and limits."""
        context = model.engine.context
        index = model.index
        return {
            "model": {
                "id": model.name,
                "parameters": model.parameters,
                "context": context,
                "format": model.format,
            },
            "defaults": dataclasses.asdict(model.defaults),
            "limits": {"max_tokens": context, "prompt_tokens": context - 1, "trace_characters": limits.trace},
            "trace": {"documents": index.documents, "words": index.words} if index else None,
            "papers": [{"title": paper.title, "url": paper.url} for paper in model.papers],
            "key_required": bool(keys),
        }

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        """The one model, as OpenAI lists them."""
        return {"object": "list", "data": [_model_json(model, began)]}

    @app.get("/v1/models/{name}")
    def one_model(name: str) -> Response:
        """The model by its name."""
        if name != model.name:
            return refusal(404, f"model: found {shown(name)}, expected {model.name!r}", code="model_not_found")
        return _json(_model_json(model, began))

    @app.post("/v1/completions", response_model=None, responses={200: _COMPLETION})
    async def complete(request: Request, asked: CompletionRequest) -> Response:
        """Continue texts, as OpenAI's completions do; with `stream`, as server-sent events."""
        return await completions.answer(request, asked)

    @app.post("/tokenize")
    async def tokenize(asked: TextRequest) -> dict[str, list[Any]]:
        """A text's tokens as the model reads them, the begin-of-text token first, and what each stands for."""
        tokens = await completions.encode(asked.text)
        return {"tokens": tokens, "pieces": [model.vocabulary.label(token) for token in tokens]}

    @app.post("/trace", response_model=None)
    async def trace_text(request: Request, asked: TextRequest) -> Response:
        """Which stretches of a text stand word for word in the model's corpus, and in which documents."""
        if model.index is None:
            message = "found no index of the model's corpus, expected one: octavo serve MODEL --trace DIR"
            return refusal(404, message, code="no_index")
        if len(asked.text) > limits.trace:
            raise InputError(f"text: found {len(asked.text):,} characters, expected at most {limits.trace:,}")
        with metrics.trace.time():
            try:
                traced = await unless_gone(request, in_thread(tracing, _traced, model.index, asked.text))
            except ClientGoneError:
                return Response(status_code=499)
        return Response(traced, media_type="application/json")

    @app.head("/health", include_in_schema=False, response_model=None)
    @app.get("/health", response_model=None)
    async def health() -> Response:
        """Whether the model answers and requests are taken."""
        if standing.closing:
            return refusal(503, "the server is shutting down", "server_error", code="shutting_down")
        if not await upstream.healthy():
            return refusal(503, "the model does not answer", "server_error", code="no_model")
        return _json({"status": "ok"})

    @app.get("/metrics", response_model=None)
    def count() -> Response:
        """What Prometheus reads."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    began = int(time.time())
    return Gate(app, hosts, keys, limits, turns, metrics, standing)


class _Request(Request):
    """A request whose JSON is read strictly: UTF-8, no half of a surrogate pair, no NaN."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class _Route(APIRoute):
    """A route that reads requests so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_Request(request.scope, request.receive))

        return handle_strictly


_COMPLETION: Final[dict[str, Any]] = {
    "description": "The continuation",
    "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
}


def _serve_pages(app: FastAPI, model: ServedModel) -> None:
    """The page, its parts and the papers: read once, so that no path of a request ever names a file."""
    files = {
        file.relative_to(WEB).as_posix(): (file.read_bytes(), _TYPES[file.suffix])
        for file in sorted(WEB.rglob("*"))
        if file.suffix in _TYPES
    }
    papers = {paper.name: paper.html for paper in model.papers}
    fresh = {"cache-control": "no-cache"}

    @app.head("/", include_in_schema=False, response_model=None)
    @app.get("/", include_in_schema=False, response_model=None)
    def page() -> Response:
        content, kind = files["index.html"]
        return Response(content, media_type=kind, headers=fresh)

    @app.head("/web/{name:path}", include_in_schema=False, response_model=None)
    @app.get("/web/{name:path}", include_in_schema=False, response_model=None)
    def part(name: str) -> Response:
        if name not in files:
            return refusal(404, "found no such part of the page")
        content, kind = files[name]
        return Response(content, media_type=kind, headers=fresh)

    @app.head("/papers/{name}", include_in_schema=False, response_model=None)
    @app.get("/papers/{name}", response_model=None)
    def paper(name: str) -> Response:
        """The model card, the training summary or the evaluation report."""
        if name not in papers:
            names = ", ".join(papers) or "none, as the model has no papers"
            return refusal(404, f"found {shown(name)}, expected {names}")
        headers = {"content-security-policy": POLICY, **fresh}
        return Response(papers[name], media_type=_TYPES[".html"], headers=headers)


def _say_errors(app: FastAPI) -> None:
    """Every error in OpenAI's shape."""

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"][1:]]
        field = where[0] if where and first["type"] != "json_invalid" else None
        refused = first.get("ctx", {}).get("error")
        if isinstance(refused, RefusedFieldError):
            return refusal(400, str(refused), param=refused.field)
        if isinstance(refused, ValueError):
            return refusal(400, f"{field or 'body'}: {refused}", param=field)
        if first["type"] in ("model_attributes_type", "model_type"):
            return refusal(400, "body: expected a JSON object, sent with Content-Type: application/json")
        if field in _EXPECTED and first["type"] != "missing":
            return refusal(400, f"{field}: expected {_EXPECTED[field]}", param=field)
        found = "" if first["type"] in ("missing", "json_invalid") else f"found {shown(first.get('input'))}: "
        return refusal(400, f"{field or 'body'}: {found}{first['msg']}", param=field)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return refusal(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(InputError)
    async def cannot(_: Request, error: InputError) -> Response:
        message = str(error)
        field, colon, _rest = message.partition(":")
        return refusal(400, message, param=field if colon and field.isidentifier() else None)

    @app.exception_handler(OctavoError)
    async def failed(_: Request, error: OctavoError) -> Response:
        return refusal(500, str(error), "server_error")

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        return refusal(500, f"the server failed ({type(error).__name__})", "server_error")


_EXPECTED: Final = {
    "prompt": f"a text, a list of texts, a list of tokens (whole numbers from 0), or a list of such lists, of at "
    f"most {MOST_CHOICES} texts",
    "stop": f"a text of 1 to {LONGEST_STOP} characters, or a list of up to {MOST_STOPS} such texts",
}
"""Fields that take more than one form, of which each would be told as a mistake of its own."""


def _traced(index: Index, text: str) -> bytes:
    return orjson.dumps(trace(index, text).as_json())


def _model_json(model: ServedModel, created: int) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": created, "owned_by": "octavo"}


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
