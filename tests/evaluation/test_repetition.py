import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.openings import Document
from octavo.evaluation.repetition import (
    LOOP_TIMES,
    LOOP_TOKENS,
    PENALTIES,
    PLOT,
    TEMPERATURES,
    Loop,
    distinct,
    longest_repeat,
    loop_at_end,
    measure_repetition,
)
from octavo.progress import Progress
from tests.evaluation.writers import Scripted, untrained

TOKENS = st.lists(st.integers(0, 2), max_size=24)


@given(st.text("ab", max_size=20) | st.text("abcd", max_size=30))
def test_the_longest_repeat_is_that_of_trying_all(text):
    spans = [text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)]
    assert longest_repeat(text) == max((len(s) for s in spans if text.find(s, text.find(s) + 1) >= 0), default=0)


def test_a_repeat_may_overlap_itself():
    assert longest_repeat("aaaa") == 3
    assert longest_repeat("abcabc") == 3
    assert longest_repeat("abc") == 0


@given(TOKENS, st.integers(1, 4))
def test_distinct_counts_each_sequence_once(tokens, n):
    found = {}
    for at in range(len(tokens) - n + 1):
        found[str(tokens[at : at + n])] = found.get(str(tokens[at : at + n]), 0) + 1
    assert distinct(tokens, n) == (len(found) / sum(found.values()) if found else 1.0)


@given(
    TOKENS
    | st.builds(
        lambda a, b, n: a + b * n, TOKENS, st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(2, 6)
    )
)
def test_a_loop_is_the_shortest_span_that_is_repeated_to_the_end(tokens):
    loops = []
    for period in range(1, len(tokens) + 1):
        for length in range(period, len(tokens) + 1):
            tail = tokens[len(tokens) - length :]
            if all(tail[i] == tail[i % period] for i in range(length)) and length >= LOOP_TIMES * period:
                loops.append(Loop(period, length))
    long_enough = [loop for loop in loops if loop.length >= LOOP_TOKENS]
    found = loop_at_end(tokens)
    if not long_enough:
        assert found is None
    else:
        shortest = min(loop.period for loop in long_enough)
        assert found == Loop(shortest, max(loop.length for loop in long_enough if loop.period == shortest))


def test_a_text_that_ends_well_is_no_loop():
    assert loop_at_end([1, 2, 3] * 5 + [9]) is None
    assert loop_at_end([7, 1, 2, 3, 1, 2, 3, 1, 2]) is None  # not yet three times
    assert loop_at_end([7] + [1, 2, 3] * 3) == Loop(3, 9)


def documents(count=6):
    return [
        Document(f"w{n}#1", f"w{n}", "en", f"{n} sheep went to the river to see the boats go by. " * 8)
        for n in range(count)
    ]


def test_each_setting_is_measured_beside_the_true_texts_and_drawn(tmp_path):
    def lines(prompt, decoding):
        return "la " * 40 if decoding.repetition_penalty == 1.0 else "All of it new, quite so: brown fox jumps."

    found = measure_repetition(Scripted(lines), documents(), ["en"], 1, 6, 48, tmp_path, Progress())
    rows = {(row["temperature"], row["repetition_penalty"]): row for row in found["repetition"]}
    assert len(rows) == 1 + len(TEMPERATURES) * len(PENALTIES)
    assert all(row["n"] == 6 for row in rows.values())
    looping, fresh = rows[0.0, 1.0], rows[0.0, 1.2]
    assert looping["loops"]["share"] == 1.0
    assert looping["loop_periods"] == {"median": 3.0, "most": 3}
    assert looping["longest_tokens"]["value"] == 45
    assert fresh["loops"]["share"] == 0.0
    assert fresh["distinct_4"]["value"] == 1.0
    assert len(found["continuations"]) == 12 * 6
    assert json.loads(json.dumps(found)) == found
    plot = ElementTree.parse(tmp_path / PLOT).getroot()
    assert len(plot.findall("{*}polyline")) == 4 * len(TEMPERATURES)


def test_prompts_of_our_own_make_up_for_works_that_lack(tmp_path):
    found = measure_repetition(untrained(128), documents(2), ["en", "de"], 1, 3, 16, tmp_path, Progress())
    assert [p["lang"] for p in found["prompts"]] == ["en"] * 3 + ["de"] * 3
    assert found["repetition"][0]["n"] == 2  # true texts
    assert found["repetition"][1]["n"] + found["repetition"][1]["empty"] == 6
