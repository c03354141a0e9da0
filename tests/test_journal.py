"""What the journal of a stage has is there as it was made, whatever befell the disk in between."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.journal import Journal
from octavo.lineage import JOURNAL_FILE, hash_files

MADE = {"a.ds": b"one", "a.ds.index": b"two", "../b.json": b"three"}
BELONG = [["a.ds", "a.ds.index"], ["../b.json"]]


@pytest.fixture
def home(tmp_path) -> Path:
    return noted(tmp_path / "home")


def noted(home: Path) -> Path:
    home.mkdir()
    for name, content in MADE.items():
        (home / name).write_bytes(content)
    journal = Journal(home, print)
    for names in BELONG:
        journal.made(*(home / name for name in names))
    return home


@settings(max_examples=80)
@given(
    file=st.sampled_from([*MADE, JOURNAL_FILE]),
    place=st.floats(0, 1, exclude_max=True),
    bit=st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, "cut", "gone"]),
)
def test_a_damaged_file_is_not_had_nor_what_it_belongs_to_and_all_else_is(file, place, bit):
    with tempfile.TemporaryDirectory() as folder:
        home = noted(Path(folder) / "home")
        content = bytearray((home / file).read_bytes())
        at = int(place * len(content))
        if bit == "gone":
            (home / file).unlink()
        else:
            content[at] ^= 0 if bit == "cut" else bit
            (home / file).write_bytes(content[:at] if bit == "cut" else content)
            os.utime(home / file, ns=(0, 0))  # so soon after, its time would be the same
        said: list[str] = []
        journal = Journal(home, said.append)
        for names in BELONG:
            has = journal.has(home / names[0])
            assert has is (file not in names) or file == JOURNAL_FILE
            assert not has or all((home / name).read_bytes() == MADE[name] for name in names)
        assert [line for line in said if line.startswith(f"{home / file}: ")] == said or file == JOURNAL_FILE


def test_what_was_made_again_is_had_again(home):
    (home / "a.ds").unlink()
    assert not Journal(home, print).has(home / "a.ds")
    (home / "a.ds").write_bytes(b"one")
    Journal(home, print).made(home / "a.ds", home / "a.ds.index")
    assert Journal(home, print).has(home / "a.ds")


def test_what_was_not_noted_is_not_had(home):
    (home / "c.ds").write_bytes(b"whole, or is it?")
    assert not Journal(home, print).has(home / "c.ds")


def test_a_line_that_was_cut_short_does_not_spoil_the_next(home):
    journal = home / JOURNAL_FILE
    journal.write_bytes(journal.read_bytes()[:-5])
    (home / "c.ds").write_bytes(b"four")
    Journal(home, print).made(home / "c.ds")
    again = Journal(home, print)
    assert [again.has(home / name) for name in ("a.ds", "../b.json", "c.ds")] == [True, False, True]


def test_it_is_no_output_of_the_stage(home):
    assert sorted(hash_files([home], home)) == ["a.ds", "a.ds.index"]
