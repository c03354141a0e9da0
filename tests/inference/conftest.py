"""A model in a server for each module that tests it; one browser for each that tests the page, and a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from octavo.inference.server.served_model import ServedModel, open_served_model
from tests.inference.browsing import Opened, StandIn, chromium, standing_in, window
from tests.inference.serving import Running, running


@pytest.fixture(scope="session")
def served(small_run: Path) -> ServedModel:
    """The small run's model in two slots, with the index of its corpus."""
    return open_served_model(small_run, 2, None)


@pytest.fixture(scope="module")
def server(served: ServedModel) -> Iterator[Running]:
    """A server with the usual limits."""
    with running(served) as up:
        yield up


@pytest.fixture(scope="module")
def shared() -> Iterator[Opened]:
    with chromium() as browser, window(browser) as opened:
        yield opened


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


@pytest.fixture
def visit(shared: Opened, stand_in: StandIn) -> Iterator[Opened]:
    shared.go(stand_in.address)
    yield shared
    assert shared.wrong == []


@pytest.fixture
def page(visit: Opened) -> Page:
    return visit.page
