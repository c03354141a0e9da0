"""A disk that is full, or lets nothing be written, is told in plain words; when that is mended, the run goes on."""

import errno
import os
from functools import partial
from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.lineage import read_record
from octavo.recipe.file import dump
from octavo.road import run_road
from octavo.stages import stages_to
from tests.conftest import quiet_reporter, small_recipe
from tests.end_to_end.contents import contents, copy_made, made_otherwise
from tests.end_to_end.damaging import fill, let_only_read, let_write, make_room, may_mount
from tests.end_to_end.small_disk import on_a_disk

mounts = pytest.mark.skipif(not may_mount(), reason="needs mounts of its own")


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    return file


@mounts
@pytest.mark.parametrize(("stage", "share"), [("corpus", 0), ("curation", 0.3), ("trace", 0.6)])
def test_a_full_disk_ends_a_stage_and_the_next_call_goes_on_from_there(small_run, recipe, tmp_path, stage, share):
    run = tmp_path / "run"
    *before, full = stages_to(small_recipe(), stage)
    copy_made(small_run, run, before)
    room = share * sum(file.bytes for file in read_record(small_run / full.home).outputs.values())
    statuses, said = on_a_disk(run, partial(fill, room=int(room)), make_room, recipe, "--until", stage)
    assert statuses == [1, 0], said
    where = f"in stage {stage}" if share else "before the first stage"
    assert f"the disk is full, {where}; nothing that was done is lost: make room" in " ".join(said.split())
    assert "Traceback" not in said
    assert all(f"{earlier.name}: done already" in said for earlier in before)
    assert "again, because" not in said
    assert made_otherwise(contents(small_run), run, [*before, full]) == []


@mounts
def test_a_disk_that_lets_nothing_be_written_is_told_before_anything_is_made(small_run, recipe, tmp_path):
    run = tmp_path / "run"
    copy_made(small_run, run, stages_to(small_recipe(), "corpus"))
    statuses, said = on_a_disk(run, let_only_read, let_write, recipe, "--until", "corpus")
    assert statuses == [2, 0], said
    assert "disk: cannot be written to (Read-only file system), expected a directory" in " ".join(said.split())
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_a_file_that_cannot_be_written_is_told_by_name_and_stage(tmp_path, monkeypatch, number):
    replace = Path.replace

    def refuse(path, target):
        if path.parent.name == "documents":
            raise OSError(number, os.strerror(number), str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    said = (
        f"documents/stage.json.partial: cannot be written or read .{os.strerror(number)}., in stage corpus; nothing"
    )
    with pytest.raises(OctavoError, match=said):
        run_road(small_recipe(), tmp_path / "run", "corpus", quiet_reporter())
