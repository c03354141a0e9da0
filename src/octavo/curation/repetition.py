"""Repetition within a text: its commonest n-gram of words, and the n-grams that came before (Gopher's measures)."""

from __future__ import annotations

import numpy as np

from octavo.compiled import Flags, Hashes, Ints, compiled, joined, place_of, table_for


@compiled
def top_ngrams(hashes: Hashes, characters: Ints, bounds: Ints, n: int, among: Flags) -> tuple[Ints, Ints]:
    """Of each text among those asked: the characters in all places of one n-gram at most, and the most places.

    Words are given by hash and characters, a text's between two neighbouring `bounds`; n-grams that occur once
    do not count.
    """
    texts = len(bounds) - 1
    most_characters, most_places = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        first, last = bounds[text], bounds[text + 1] - n + 1
        if not among[text] or last <= first:
            continue
        table = table_for(last - first)
        times = np.zeros(len(table), np.int32)
        for place in range(first, last):
            key = joined(hashes, place, place + n) | np.uint64(1)
            at = place_of(key, table)
            table[at] = key
            times[at] += 1
            if times[at] > 1:
                covered = times[at] * characters[place : place + n].sum()
                most_characters[text] = max(most_characters[text], covered)
                most_places[text] = max(most_places[text], times[at])
    return most_characters, most_places


@compiled
def repeated_ngrams(hashes: Hashes, characters: Ints, bounds: Ints, n: int, among: Flags) -> Ints:
    """Of each text among those asked: the characters of words that lie in an n-gram which came before."""
    texts = len(bounds) - 1
    found = np.zeros(texts, np.int64)
    for text in range(texts):
        first, last = bounds[text], bounds[text + 1] - n + 1
        if not among[text] or last <= first:
            continue
        table = table_for(last - first)
        counted = first
        for place in range(first, last):
            key = joined(hashes, place, place + n) | np.uint64(1)
            at = place_of(key, table)
            if table[at] == key:
                for word in range(max(counted, place), place + n):
                    found[text] += characters[word]
                counted = place + n
            table[at] = key
    return found
