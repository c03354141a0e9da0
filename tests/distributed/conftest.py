from pathlib import Path

import pytest

from tests.distributed.processes import write_tokens


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Token files for the tiny model."""
    return write_tokens(tmp_path_factory.mktemp("tokens"))
