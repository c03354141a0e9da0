"""What the tests of tuning share: one small tune of each task, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from octavo.road import run_road
from tests.conftest import quiet_reporter
from tests.tuning.small_tunes import task_recipe


@pytest.fixture(scope="session")
def tuning_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the base, the pairs and the documents of small tunes lie; tests leave them as they are."""
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="session")
def tuned(tuning_home: Path) -> Callable[[str], Path]:
    """The directory of a finished tune of a task; tests read it and leave it as it is."""

    @cache
    def run_of(task: str) -> Path:
        run = tuning_home / "runs" / task
        run_road(task_recipe(tuning_home, task), run, "release", quiet_reporter())
        return run

    return run_of
