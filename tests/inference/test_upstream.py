"""Events of a stream, wherever the network cuts it."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from octavo.inference.server.upstream import events


async def read(pieces):
    async def given_pieces():
        for piece in pieces:
            yield piece

    return [json.loads(event) async for event in events(given_pieces())]


@given(st.lists(st.text(st.sampled_from("a\u2028\u2029\x85\x0b\r é🙂\n"), max_size=12), max_size=6), st.data())
def test_events_are_those_that_were_sent_wherever_they_are_cut(texts, data):
    lines = [f"data: {json.dumps(text, ensure_ascii=False)}\n\n" for text in texts]
    sent = "".join([": a comment\n\n", *lines, "data: [DONE]\n\n", 'data: "after the end"\n\n']).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)), max_size=10)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert asyncio.run(read(pieces)) == texts
