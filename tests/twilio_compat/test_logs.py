from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from twilio_compat.logs import DEFAULT_NAME, Logger, apply_log_levels

OURS = ("twilio_compat", "acs_core", "acs_core.media", "acs_core.client.signaling", "acs_core.rtc")
OTHERS = ("aiortc", "aioice", DEFAULT_NAME, "tests.own")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (*OURS, *OTHERS)]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def test_the_name_of_the_sdk_stands_for_all_loggers_of_it() -> None:
    logger = Logger.getLogger("twilio-video")
    logger.setLevel("debug")
    levels = {logging.getLogger(name).level for name in ("twilio_compat", "acs_core")}
    assert levels == {logging.DEBUG}
    assert logger.getLevel() == logging.DEBUG
    Logger.setLevel("silent")
    assert not logging.getLogger("acs_core").isEnabledFor(logging.CRITICAL)


def test_other_names_are_those_of_python() -> None:
    Logger.get_logger("tests.own").set_level("WARN")
    assert logging.getLogger("tests.own").level == logging.WARNING


def test_it_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, DEFAULT_NAME)
    logger = Logger.get_logger()
    for say in (logger.trace, logger.debug, logger.info, logger.warn, logger.error):
        say("it is %s", "so")
    names = [record.levelname for record in caplog.records]
    assert names == ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"]
    assert {record.message for record in caplog.records} == {"it is so"}


def test_parts_have_levels_of_their_own() -> None:
    apply_log_levels({"signaling": "debug", "webrtc": "off"}, "tests.own")
    assert logging.getLogger("acs_core.client.signaling").level == logging.DEBUG
    assert not logging.getLogger("aioice").isEnabledFor(logging.CRITICAL)
    assert logging.getLogger("tests.own").level == logging.NOTSET


def test_nothing_is_set_unless_asked_for() -> None:
    before = logging.getLogger("acs_core").level
    apply_log_levels(None, "tests.own")
    assert logging.getLogger("acs_core").level == before


@pytest.mark.parametrize(
    ("value", "error"),
    [(3, TypeError), ({"default": 3}, TypeError), ({"x": "warn"}, TypeError), ("x", ValueError)],
)
def test_what_is_no_level_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        apply_log_levels(value)
    with pytest.raises(ValueError, match="level must be one of"):
        Logger.set_level("loud")
