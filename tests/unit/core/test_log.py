"""Loggers that cannot print secrets or message text."""

import enum
import logging

import pytest

from welink_desktop.core import log


class Phase(enum.Enum):
    LIVE = "live"


def test_fields_are_written_by_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="welink.sync"):
        log.topic("sync").info("answer", rooms=3, phase=Phase.LIVE, late=None, id=log.short("!room"))
    assert caplog.messages == [f"answer rooms=3 phase=LIVE late=None id={log.short('!room')}"]
    assert "!room" not in caplog.text


def test_a_bare_text_is_refused_in_tests_and_hidden_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    topic = log.topic("sync")
    log.refuse_bare_text(True)
    try:
        with pytest.raises(TypeError), caplog.at_level(logging.INFO, logger="welink.sync"):
            topic.info("said", body="secret")  # type: ignore[arg-type]  # the mistake under test
    finally:
        log.refuse_bare_text(False)
    with caplog.at_level(logging.INFO, logger="welink.sync"):
        topic.info("said", body="secret")  # type: ignore[arg-type]  # the mistake under test
    assert caplog.messages == ["said body=<text>"]


def test_an_exception_is_written_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("my secret")
    except ValueError as error:
        log.topic("sync").error("broken", exc=error)
    assert "ValueError" in caplog.text
    assert "my secret" not in caplog.text
    caplog.clear()
