"""Near duplicates: the estimate against exact Jaccard similarity, and clusters against a plain search."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.near_duplicates import bands, clusters, signatures, similarity
from octavo.curation.words import read_words


def changed(text: str, share: float, lot: random.Random) -> str:
    """The text with a share of its words replaced."""
    words = text.split()
    for place in lot.sample(range(len(words)), int(share * len(words))):
        words[place] = lot.choice(["anders", "autre", "otherwise", "altro", "outro", "aliter"])
    return " ".join(words)


def jaccard(left: str, right: str, n: int = 5) -> float:
    grams = []
    for text in (left, right):
        words = ["".join(c for c in w.lower() if c.isalnum()) for w in text.split()]
        words = [w for w in words if w]
        grams.append({tuple(words[i : i + n]) for i in range(len(words) - n + 1)})
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


def test_near_copies_of_real_texts_are_candidates_and_estimates_are_near_the_truth(
    starter_texts: list[str],
) -> None:
    lot = random.Random(1789)
    long = [text for text in starter_texts if len(text.split()) > 150]
    pairs = [(text, changed(text, share, lot)) for text in long for share in (0.002, 0.01, 0.03)]
    pairs += list(itertools.pairwise(long))
    truth = np.array([jaccard(*pair) for pair in pairs])
    left, right = (signatures(read_words(pa.array([p[side] for p in pairs])), 5) for side in (0, 1))
    estimate = similarity(left, right)
    candidate = (bands(left) == bands(right)).any(axis=1)
    near = truth >= 0.9
    assert near.sum() > 100
    assert candidate[near].mean() >= 0.99
    assert np.abs(estimate - truth).mean() < 0.03
    found = candidate & (estimate >= 0.6)
    assert found[near].mean() >= 0.99
    assert (truth[found] >= 0.5).mean() >= 0.99
    assert not found[truth < 0.3].any()


def test_short_texts_are_compared_by_their_words() -> None:
    texts = ["A short note", "a short note.", "Quite another thing", "", "—"]
    found = signatures(read_words(pa.array(texts)), 5)
    assert similarity(found[:1], found[1:2])[0] == 1
    assert similarity(found[:1], found[2:3])[0] < 0.3


def test_editions_that_print_u_for_v_and_i_for_j_are_alike() -> None:
    texts = ["Iam uero Vlixes in uia uidit iuuenem.", "jam vero Ulixes in via vidit juvenem"]
    found = signatures(read_words(pa.array(texts)), 4)
    assert similarity(found[:1], found[1:])[0] == 1


def test_the_order_of_the_batch_does_not_change_a_signature() -> None:
    texts = ["one two three four five six seven", "sol lucet omnibus et luna quoque noctu"]
    together = signatures(read_words(pa.array(texts)), 5)
    assert (together[::-1] == signatures(read_words(pa.array(texts[::-1])), 5)).all()
    assert (together[:1] == signatures(read_words(pa.array(texts[:1])), 5)).all()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=40))
def test_clusters_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    rows, least = clusters(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]))
    component = {row: {row} for pair in pairs for row in pair}
    for a, b in pairs:
        joined = component[a] | component[b]
        for row in joined:
            component[row] = joined
    assert dict(zip(rows.tolist(), least.tolist(), strict=True)) == {r: min(c) for r, c in component.items()}
