import shutil

import pytest


@pytest.fixture
def copied_run(small_run, tmp_path):
    """The small run, to change."""
    return shutil.copytree(small_run, tmp_path / "small")
