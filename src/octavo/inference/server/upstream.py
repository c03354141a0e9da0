"""The client of llama.cpp's own HTTP server, which writes in its slots and stops once a connection closes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from typing import Any, Final

import httpx2
import orjson

from octavo.errors import OctavoError

_DATA: Final = b"data: "


class Upstream:
    """llama.cpp's server, by its address and the secret that it asks for."""

    def __init__(self, address: str, key: str) -> None:
        # How long an answer may take is for who asks to say.
        self._client = httpx2.AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=None, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def healthy(self) -> bool:
        """Whether the model answers."""
        try:
            answer = await self._client.get("/health", timeout=5)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    async def stream(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """What it answers while it writes, each with a choice; closing the iterator ends the writing.

        Raises OctavoError where it refuses or breaks off.
        """
        body = orjson.dumps({**request, "stream": True})
        headers = {"Content-Type": "application/json"}
        try:
            async with self._client.stream("POST", "/v1/completions", content=body, headers=headers) as response:
                if response.status_code != 200:
                    raise OctavoError(f"llama.cpp: {_message(await response.aread())}")
                async for event in events(response.aiter_bytes()):
                    answer: dict[str, Any] = orjson.loads(event)
                    if "error" in answer:
                        raise OctavoError(f"llama.cpp: {_message(event)}")
                    yield answer
                    if answer["choices"][0]["finish_reason"]:
                        return
        except httpx2.HTTPError as error:
            raise OctavoError(f"llama.cpp: found a broken connection ({type(error).__name__})") from None
        raise OctavoError("llama.cpp: found an answer that breaks off, expected its end")


async def events(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The data of server-sent events, up to `[DONE]`.

    Lines end at a line feed alone: what else ends a line in Unicode may stand inside the JSON.
    """
    unread = b""
    async for piece in pieces:
        *lines, unread = (unread + piece).split(b"\n")
        for line in lines:
            if line.startswith(_DATA):
                if line[len(_DATA) :] == b"[DONE]":
                    return
                yield line[len(_DATA) :]


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "found an answer without a message"
