"""What an audit says of what is whole, and of what it cannot check."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octavo.audit.audit import audit
from octavo.audit.claims import is_held
from octavo.cli.app import app
from octavo.errors import InputError
from octavo.progress import Progress
from octavo.road import run_road
from tests.audit.forging import copy_run, flip_a_bit
from tests.conftest import quiet_reporter, small_recipe


def test_every_claim_of_a_run_holds_its_steps_replayed_to_the_bit(small_run: Path) -> None:
    claims = audit(small_run, True, Progress(), seed=7)
    assert [claim for claim in claims if claim.outcome == "failed"] == []
    assert {claim.part for claim in claims if claim.outcome == "held"} == {
        "files",
        "lineage",
        "papers",
        "documents",
        "licences",
        "figures",
        "weights",
        "re-runs",
    }
    replayed = next(claim for claim in claims if "done again, give the same weights" in claim.claim)
    assert replayed.outcome == "held"
    assert replayed.file == "checkpoints/step-00000118"


def test_what_is_not_signed_is_told_and_fails_nothing(small_run: Path) -> None:
    (signature,) = (claim for claim in audit(small_run, False, Progress()) if claim.part == "signature")
    assert signature.outcome == "not checkable here"
    assert "octavo sign" in signature.found


def test_the_release_and_its_run_name_the_same(small_run: Path) -> None:
    assert audit(small_run, False, Progress()) == audit(small_run / "release", False, Progress())


def test_a_run_may_be_named_from_where_one_stands(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_run.parent)
    assert is_held(audit(Path(small_run.name), False, Progress()))


def test_a_release_without_its_run_is_checked_as_far_as_it_goes(small_run: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(small_run / "release", tmp_path / "anywhere")
    claims = audit(alone, True, Progress())
    assert is_held(claims)
    assert {claim.part for claim in claims if claim.outcome == "held"} == {"files", "lineage", "papers"}
    (left,) = (claim for claim in claims if claim.part == "figures")
    assert (left.outcome, left.found) == ("not checkable here", "the run is not beside the release")


def test_sources_that_are_gone_are_told_and_fail_nothing(small_run: Path, tmp_path: Path) -> None:
    """The corpus came from a file of the package, which a moved run does not find at the same relative path."""
    run = copy_run(small_run, tmp_path / "deeper" / "small")
    claims = audit(run, False, Progress())
    assert is_held(claims)
    assert any("not here any more" in claim.found for claim in claims)


def test_a_stage_that_was_done_again_with_the_same_results_fails_nothing(small_run: Path, tmp_path: Path) -> None:
    """It took another time, which the report of the evaluation cannot know."""
    run = tmp_path / "small"
    shutil.copytree(small_run, run)
    shutil.rmtree(run / "documents")
    run_road(small_recipe(), run, "trace", quiet_reporter())
    claims = audit(run, False, Progress())
    assert is_held(claims)
    (costs,) = (claim for claim in claims if claim.claim == "says what the stages took")
    assert costs.outcome == "not checkable here"
    assert "a stage that is done again takes another time" in costs.found


def test_papers_of_another_version_are_no_forgery(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its wording may be another; that the files are as they were made is known by their hashes."""
    monkeypatch.setattr("octavo.audit.opening.__version__", "9.9")
    monkeypatch.setattr("octavo.release.model_card.__version__", "9.9")
    claims = audit(small_run, False, Progress())
    assert is_held(claims)
    (card,) = (claim for claim in claims if claim.file == "README.md")
    assert card.outcome == "not checkable here"
    assert "octavo 0.1.0 made the release, and this is 9.9" in card.found


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_what_is_no_release_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{name}: found no"):
        audit(tmp_path / name, False, Progress())


def test_papers_that_cannot_be_read_are_named_and_nothing_is_guessed(small_run: Path, tmp_path: Path) -> None:
    run = copy_run(small_run, tmp_path / "small")
    (run / "release/compliance/manifest.json").unlink()
    (run / "release/compliance/manifest.json").write_text("{}")
    claims = audit(run, False, Progress())
    assert "compliance/manifest.json" in {claim.file for claim in claims if claim.outcome == "failed"}
    assert claims[-1].outcome == "not checkable here"


def test_the_command_ends_with_status_0_where_all_holds_and_1_where_something_fails(
    small_run: Path, tmp_path: Path
) -> None:
    shown = CliRunner().invoke(app, ["audit", str(small_run)])
    assert shown.exit_code == 0
    assert "claims:" in shown.stdout
    run = copy_run(small_run, tmp_path / "small")
    flip_a_bit(run / "release/model.safetensors")
    shown = CliRunner().invoke(app, ["audit", str(run)])
    assert shown.exit_code == 1
    assert "model.safetensors" in shown.stdout


def test_the_answer_for_programs_has_every_claim(small_run: Path) -> None:
    answer = json.loads(CliRunner().invoke(app, ["audit", str(small_run), "--json"]).stdout)
    assert answer["seed"] is None
    assert {"part", "file", "claim", "outcome", "found"} == set(answer["claims"][0])
    assert len(answer["claims"]) == len(audit(small_run, False, Progress()))
