import hashlib
import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.lineage import read_record
from octavo.release.checksums import SIGNATURE, SUMS, check_checksums, write_checksums
from octavo.road import finish_road, run_road, stage_states
from tests.conftest import quiet_reporter, small_recipe
from tests.release.tiny_release import FILES, write_files


@pytest.fixture
def release(tmp_path):
    made = write_files(tmp_path / "release")
    write_checksums(made)
    return made


def sha256sum(release):
    """What the public tool says: its exit status, and the files that it calls OK."""
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=release, capture_output=True, text=True, check=False)
    return done.returncode, {
        line.removesuffix(": OK") for line in done.stdout.splitlines() if line.endswith(": OK")
    }


def found(release):
    return [tuple(problem) for problem in check_checksums(release)]


def edit_sums(release, change):
    (release / SUMS).write_bytes(change((release / SUMS).read_bytes()))


def test_sha256sum_finds_every_file_as_it_is(release):
    assert sha256sum(release) == (0, set(FILES))
    assert found(release) == []


def test_the_list_is_sorted_and_holds_all_but_itself_and_the_signature(release):
    (release / SIGNATURE).write_bytes(b"{}")
    before = (release / SUMS).read_bytes()
    write_checksums(release)
    assert (release / SUMS).read_bytes() == before
    lines = [line.split("  ") for line in before.decode().splitlines()]
    assert [name for _, name in lines] == sorted(FILES)
    assert all(hashlib.sha256(FILES[name]).hexdigest() == digest for digest, name in lines)
    assert found(release) == []


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_is_found(release, name):
    damaged = bytearray((release / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (release / name).write_bytes(damaged)
    assert found(release) == [(name, "is changed")]
    assert sha256sum(release) == (1, set(FILES) - {name})


def test_a_missing_and_an_extra_file_are_found_also_where_one_was_renamed(release):
    (release / "gguf/tiny-Q8_0.gguf").rename(release / "gguf/other.gguf")
    assert found(release) == [
        ("gguf/other.gguf", "is not listed in SHA256SUMS"),
        ("gguf/tiny-Q8_0.gguf", "is missing"),
    ]


def test_a_hidden_file_is_no_less_extra(release):
    (release / ".gitattributes").write_text("")
    assert found(release) == [(".gitattributes", "is not listed in SHA256SUMS")]


def test_a_list_that_is_missing_is_told(release):
    (release / SUMS).unlink()
    assert found(release) == [(SUMS, "is missing")]


def test_a_line_taken_out_of_the_list_is_found(release):
    edit_sums(release, lambda sums: b"\n".join(line for line in sums.split(b"\n") if b"README" not in line))
    assert found(release) == [("README.md", "is not listed in SHA256SUMS")]


def test_a_changed_digest_in_the_list_is_found(release):
    edit_sums(
        release, lambda sums: sums.replace(hashlib.sha256(FILES["config.json"]).hexdigest().encode(), b"0" * 64)
    )
    assert found(release) == [("config.json", "is changed")]


@pytest.mark.parametrize(
    "line", [b"", b"no digest", b"abc  README.md", b"0" * 64 + b" README.md", b"0" * 64 + b"  ", b"\xff\xfe"]
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(release, line):
    edit_sums(release, lambda sums: sums + line + b"\n")
    expected = f"line {len(FILES) + 1}: expected a SHA-256, two spaces and a path"
    assert found(release) == [(SUMS, expected)]


@pytest.mark.parametrize("name", [b"../secret", b"/etc/passwd", b"gguf/../../secret"])
def test_a_path_that_leads_out_of_the_release_is_refused_and_not_read(release, tmp_path, name):
    (tmp_path / "secret").write_bytes(b"secret")
    edit_sums(release, lambda sums: sums + hashlib.sha256(b"secret").hexdigest().encode() + b"  " + name + b"\n")
    assert found(release) == [(name.decode(), f"leads out of the release (SHA256SUMS, line {len(FILES) + 1})")]


@pytest.mark.parametrize(
    "name", [b"README.md", b"./README.md", b"gguf//tiny-Q8_0.gguf", b"SHA256SUMS", b"model.sig"]
)
def test_a_second_name_for_a_file_and_the_list_itself_are_refused(release, name):
    edit_sums(release, lambda sums: sums + b"0" * 64 + b"  " + name + b"\n")
    what = f"line {len(FILES) + 1}: found {name.decode()}, expected another file's plain path"
    assert found(release) == [(SUMS, what)]


def test_symbolic_links_are_refused_in_place_of_a_file_a_folder_and_the_list(release, tmp_path):
    for name in ("README.md", "gguf", SUMS):
        (release / name).rename(tmp_path / f"real-{name}")
        (release / name).symlink_to(tmp_path / f"real-{name}")
    assert ("README.md", "is a symbolic link, expected a file") in found(release)
    assert ("gguf", "is a symbolic link, expected a file") in found(release)
    assert (SUMS, "is a symbolic link, expected a file") in found(release)
    with pytest.raises(OctavoError, match=r"README\.md: is a symbolic link"):
        write_checksums(release)


def test_what_is_no_file_is_told_and_not_read(release):
    os.mkfifo(release / "pipe")
    assert found(release) == [("pipe", "is neither a file nor a folder")]


def test_a_list_that_a_killed_call_left_half_is_replaced(release):
    (release / f"{SUMS}.partial").write_bytes(b"half")
    write_checksums(release)
    assert found(release) == []
    assert not (release / f"{SUMS}.partial").exists()


NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(NAMES, min_size=1, max_size=3))
def test_names_of_any_characters_are_written_as_sha256sum_reads_them(tmp_path_factory, names):
    made = tmp_path_factory.mktemp("named")
    for name in names:
        (made / name).write_bytes(name.encode())
    write_checksums(made)
    assert sha256sum(made)[0] == 0
    assert found(made) == []


def test_a_run_ends_its_release_with_the_list_which_covers_its_record(small_run):
    status, names = sha256sum(small_run / "release")
    assert status == 0
    assert {"stage.json", "README.md", "model.safetensors", "gguf/small-Q8_0.gguf"} <= names
    assert found(small_run / "release") == []
    assert f"release/{SUMS}" not in read_record(small_run / "release").outputs


def test_a_release_is_done_before_and_after_it_is_signed_and_one_without_list_gets_it(copied_run):
    release = copied_run / "release"
    listed = (release / SUMS).read_bytes()
    record = (release / "stage.json").read_bytes()
    for change in (lambda: None, lambda: (release / SIGNATURE).write_bytes(b"{}"), (release / SUMS).unlink):
        change()
        assert {stage["state"] for stage in stage_states(copied_run)} == {"done"}
        said = []
        run_road(small_recipe(), copied_run, "release", quiet_reporter(said))
        assert said[-1] == "release: done already"
        assert (release / SUMS).read_bytes() == listed
        assert (release / "stage.json").read_bytes() == record


def test_a_superseded_release_is_set_aside_with_its_list_and_its_signature(copied_run):
    (copied_run / "release" / SIGNATURE).write_bytes(b"{}")
    before = (copied_run / "release" / SUMS).read_bytes()
    recipe = (copied_run / "recipe.yaml").read_text()
    assert "small" in recipe
    (copied_run / "recipe.yaml").write_text(recipe.replace("license: Apache-2.0", "license: MIT"))
    finish_road(copied_run, "release", quiet_reporter())
    aside = copied_run / "superseded/release-1/release"
    assert (aside / SUMS).read_bytes() == before
    assert (aside / SIGNATURE).exists()
    assert not (copied_run / "release" / SIGNATURE).exists()
    assert (copied_run / "release" / SUMS).read_bytes() != before
    assert found(aside) == found(copied_run / "release") == []
