"""Pairs are read from files, and those that would teach something wrong are left out or refused."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from octavo.errors import InputError
from octavo.tuning.ocr.pairs import OcrPair, check, read_pairs
from tests.tuning.ocr.stand_ins import pairs, prose, scanned

ROW = {"id": "1", "doc": "a", "lang": "en", "ocr": "Tbe cat\n\nfat", "gt": "The cat\n\nsat", "date": "1868"}
PAIR = OcrPair("1", "a", "en", "Tbe cat\n\nfat", "The cat\n\nsat", 19)


def written(file, rows):
    lines = b"\n".join(map(orjson.dumps, rows))
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        file.write_bytes(zstandard.compress(lines) if file.suffix == ".zst" else lines)
    return file


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.zst", "pairs.parquet"])
def test_all_kinds_of_files_give_the_same_pairs_with_their_line_breaks(tmp_path, name):
    assert read_pairs(written(tmp_path / name, [ROW])) == [PAIR]


def test_a_pair_without_a_date_has_no_century(tmp_path):
    row = {name: value for name, value in ROW.items() if name != "date"}
    assert read_pairs(written(tmp_path / "p.jsonl", [row])) == [PAIR._replace(century=None)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gt": 5}, r"p.jsonl: line 2: gt: found 5, expected a text"),
        ({"ocr": ["a"]}, r'line 2: ocr: found \["a"\], expected a text'),
        ({"doc": " "}, r'line 2: doc: found " ", expected a text that is not empty'),
        ({"lang": None}, "line 2: lang: found null, expected a text that is not empty"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        read_pairs(written(tmp_path / "p.jsonl", [ROW, {**ROW, **change}]))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"line 1: gt: found nothing, expected a text"):
        read_pairs(written(tmp_path / "p.jsonl", [{name: value for name, value in ROW.items() if name != "gt"}]))


def reasons(found):
    return {odd.id: odd.reason for odd in found.left_out}


def test_good_pairs_stay_as_they_are():
    good = pairs(30, 0.2)
    found = check(good, "pairs.jsonl")
    assert found.pairs == good
    assert found.left_out == []
    assert found.cleaner.low > 0


def test_pairs_that_are_none_are_left_out_with_the_reason():
    good = pairs(30, 0.2)
    odd = [
        good[0],
        good[1]._replace(id="no source", source=" \n"),
        good[1]._replace(id="no target", target=""),
        good[1]._replace(
            id="other text", target="Entirely different words, which have nothing to do with it. " * 6
        ),
    ]
    found = check([*good, *odd], "pairs.jsonl")
    assert found.pairs == good
    assert reasons(found) == {
        "p0": "duplicate",
        "no source": "empty",
        "no target": "empty",
        "other text": "not the same text",
    }
    assert "error rate 0.7" in next(o.evidence for o in found.left_out if o.id == "other text")


def test_a_file_with_swapped_sides_is_refused_with_the_figure():
    swapped = [pair._replace(source=pair.target, target=pair.source) for pair in pairs(30, 0.2)]
    with pytest.raises(InputError, match=r"p\.jsonl: found the sides swapped: .* have \d+\.\d\d% fewer wrong"):
        check(swapped, "p.jsonl")


def test_a_file_of_lines_with_swapped_sides_is_refused_too():
    lines = [p._replace(source=p.target, target=p.source) for p in pairs(300, 0.2, sentences=1)]
    with pytest.raises(InputError, match="sides swapped"):
        check([p._replace(source=p.source[:40], target=p.target[:40]) for p in lines], "lines.jsonl")


def test_clean_pairs_are_not_taken_for_swapped():
    clean = [pair._replace(source=pair.target) for pair in pairs(30, 0.2)]
    assert check(clean, "pairs.jsonl").pairs == clean


def test_a_single_swapped_pair_is_left_out():
    good = pairs(30, 0.2)
    odd = good[3]._replace(id="swapped", source=good[3].target, target=good[3].source)
    found = check([*good, odd], "pairs.jsonl")
    assert found.pairs == good
    assert reasons(found) == {"swapped": "sides swapped"}


GERMAN = (
    "Am anderen Morgen ging der alte Müller hinunter an den Fluss, um nach dem Rad zu sehen, das in der Nacht "
    "gebrochen war. Er fand dort seinen Nachbarn, der ihm erzählte, dass das Wasser noch nie so hoch gestanden habe. "
)


def test_a_pair_in_another_language_than_told_is_left_out():
    good = pairs(30, 0.2)
    odd = OcrPair("german", "x", "en", scanned(GERMAN, 1, 0.1), GERMAN)
    found = check([*good, odd], "pairs.jsonl")
    assert found.pairs == good
    assert [(o.id, o.reason) for o in found.left_out] == [("german", "another language")]
    assert found.left_out[0].evidence.startswith("de (")
    assert check([*good, odd._replace(lang="de")], "pairs.jsonl").left_out == []


def test_names_and_figures_are_no_other_language():
    bill = "TOTAL 12.50 EUR Carte 12.50 TVA 20% 2.08 Ticket 0231 Caisse 04 merci de votre visite a bientot " * 2
    good = pairs(30, 0.2)
    assert check([*good, OcrPair("bill", "x", "fr", bill, bill)], "pairs.jsonl").left_out == []


def test_no_pairs_are_no_error():
    assert check([], "pairs.jsonl").pairs == []
    assert check([OcrPair("a", "a", "xx", prose(1, 1), prose(1, 1))], "p").cleaner.value is None


def test_the_same_texts_under_other_names_are_one_pair_in_this_file_and_the_next():
    good, first = pairs(30, 0.2), {}
    again = [pair._replace(id=f"{pair.id}-again", doc="another") for pair in good]
    assert check([*good, *again], "pairs.jsonl", first).pairs == good
    found = check(again, "more.jsonl", first)
    assert found.pairs == []
    assert set(reasons(found).values()) == {"duplicate"}


def test_a_few_pairs_whose_printed_side_reads_older_are_kept():
    """Without an interval a small difference tells nothing: an engine may spell as is done today."""
    printed = "Im Jare des Herrn ward die Stadt vngnad gewahr, da man die Thür verſchloß vnd jre Kinder rief."
    read = "Im Jahre des Herrn ward die Stadt ungnad gewahr, da man die Thür verschloß und ihre Kinder rief."
    pair = OcrPair("p", "d", "de", read, printed)
    assert check([pair], "pairs.jsonl").pairs == [pair]
