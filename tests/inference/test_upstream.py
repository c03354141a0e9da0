"""Events of a stream, wherever the network cuts it."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from octavo.inference.upstream import events
from octavo.inference.vocabulary import label_of


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


def test_bytes_within_a_character_are_spelled_out():
    assert label_of("é".encode()) == "é"
    assert label_of("é".encode()[:1]) == "bytes:\\xc3"
    assert label_of(b"a\xe2\x80") == "bytes:\\x61\\xe2\\x80"
