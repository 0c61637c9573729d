"""Waits of the back-off last milliseconds in these tests."""

import pytest

from welink_desktop.adapters.matrix import backoff


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.004)
    monkeypatch.setattr(backoff, "LONGEST_SECONDS", 0.02)
