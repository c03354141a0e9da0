"""One browser for each module that tests the page, and a stand-in for the server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.inference.browsing import Opened, StandIn, chromium, standing_in, window


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
