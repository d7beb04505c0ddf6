from __future__ import annotations

import copy
import inspect
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import acs_core.errors
import twilio_compat.errors
from acs_core.client.call_errors import error_of
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import (
    AuthenticationError,
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    ProtocolError,
    ServiceError,
    SourceUnavailableError,
    Stage,
    TransportError,
)
from twilio_compat.error_details import DETAILS
from twilio_compat.errors import (
    CORE_CODES,
    ERROR_CLASSES,
    RoomNotFoundError,
    TwilioError,
    create_twilio_error,
    from_core,
    passes,
)

CORE_CLASSES = [
    error
    for _, error in inspect.getmembers(acs_core.errors, inspect.isclass)
    if issubclass(error, CallingError)
]


ERRORS_OF_TWILIO = json.loads(
    (Path(__file__).parent / "twilio_errors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("name", "code", "message"), ERRORS_OF_TWILIO, ids=[str(row[1]) for row in ERRORS_OF_TWILIO]
)
def test_names_codes_and_messages_are_twilios(name: str, code: int, message: str) -> None:
    error = ERROR_CLASSES[code]()
    assert (type(error).__name__, error.code, error.message) == (name, code, message)


def test_every_code_of_twilio_video_has_a_class() -> None:
    assert sorted(ERROR_CLASSES) == sorted(DETAILS)
    assert len(ERROR_CLASSES) == 57
    assert set(range(20101, 20108)) <= set(ERROR_CLASSES)
    assert 53000 in ERROR_CLASSES
    assert 53501 in ERROR_CLASSES


@pytest.mark.parametrize("code", sorted(DETAILS))
def test_each_error_explains_itself(code: int) -> None:
    error = ERROR_CLASSES[code]()
    assert (error.code, error.name) == (code, "TwilioError")
    assert str(error) == f"TwilioError {code}: {error.message}"
    assert error.explanation.endswith(".")
    assert error.solutions
    assert error.causes
    assert error.next_step == error.solutions[0]
    assert str(code) in (inspect.getdoc(type(error)) or "")


def test_classes_are_exported_under_twilios_names() -> None:
    for error_class in ERROR_CLASSES.values():
        assert getattr(twilio_compat.errors, error_class.__name__) is error_class
        assert error_class.__name__ in twilio_compat.errors.__all__
        assert error_class.__name__.endswith("Error")


def test_a_known_code_makes_its_class_with_twilios_text() -> None:
    error = create_twilio_error(53106, "No room called 'daily'.")
    assert type(error) is RoomNotFoundError
    assert error.message == "Room not found"
    assert error.explanation == "No room called 'daily'."
    assert str(error) == "TwilioError 53106: Room not found. No room called 'daily'."
    assert create_twilio_error(53106).explanation == DETAILS[53106].explanation


def test_an_unknown_code_makes_a_plain_error() -> None:
    error = create_twilio_error(53999, "New trouble")
    assert type(error) is TwilioError
    assert str(error) == "TwilioError 53999: New trouble"
    assert create_twilio_error(7).message == "Unknown error"
    assert create_twilio_error(7, "").message == "Unknown error"


@pytest.mark.parametrize("error", [create_twilio_error(53106), create_twilio_error(7, "x")])
def test_errors_can_be_copied_and_pickled(error: TwilioError) -> None:
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert (again.code, again.message) == (error.code, error.message)


@pytest.mark.parametrize("core_class", CORE_CLASSES, ids=lambda error: error.__name__)
def test_no_core_error_is_missing_from_the_table(core_class: type[CallingError]) -> None:
    assert (core_class, None) in CORE_CODES
    assert from_core(core_class("it failed")).code == CORE_CODES[core_class, None]


def test_the_table_leads_to_codes_that_exist() -> None:
    assert set(CORE_CODES.values()) <= set(ERROR_CLASSES)


@given(
    st.sampled_from(CORE_CLASSES),
    st.none() | st.sampled_from(Stage),
    st.integers(),
    st.integers() | st.sampled_from([44113, 5828, 301005, 53105]),
)
def test_every_core_error_has_a_counterpart(
    core_class: type[CallingError], stage: Stage | None, code: int, sub_code: int
) -> None:
    core = core_class("it failed", code=code, sub_code=sub_code, stage=stage, next_step="Wait.")
    error = from_core(core)
    assert type(error) is ERROR_CLASSES[error.code]
    assert error.__cause__ is core
    assert error.explanation == "it failed"
    assert error.next_step == "Wait."


@pytest.mark.parametrize(
    ("core", "code"),
    [
        (AuthenticationError("x", sub_code=20107), 20107),
        (AuthenticationError("x", sub_code=44117), 20101),
        (AuthenticationError("x", sub_code=44113), 20106),
        (AuthenticationError("x", sub_code=40235), 20104),
        (AuthenticationError("x", code=400, sub_code=40233), 20103),
        (ServiceError("x", sub_code=5828, stage=Stage.ADMISSION), 53104),
        (ServiceError("x", sub_code=5829, stage=Stage.ADMISSION), 53106),
        (ServiceError("x", code=404), 53106),
        (ServiceError("x", code=429), 53006),
        (ServiceError("x", sub_code=53105), 53105),
        (ServiceError("x", code=429, sub_code=53119), 53119),
        (ServiceError("x", stage=Stage.NEGOTIATION), 53403),
        (ProtocolError("x", code=503), 53006),
        (ProtocolError("x", stage=Stage.NEGOTIATION), 53402),
        (TransportError("x", stage=Stage.SIGNALING), 53000),
        (DeadlineError("x", stage=Stage.SIGNALING), 53002),
        (DeadlineError("x", stage=Stage.ICE), 53405),
        (DeadlineError("x", stage=Stage.DTLS), 53407),
        (MediaError("x", stage=Stage.DEVICE), 53400),
        (SourceUnavailableError("x", stage=Stage.DEVICE), 53300),
        (InvalidArgumentError("x", code=422, sub_code=44003), 53200),
    ],
)
def test_core_errors_become_the_code_of_the_matrix(core: CallingError, code: int) -> None:
    assert from_core(core).code == code


@pytest.mark.parametrize(
    ("core", "said"),
    [
        (DeadlineError("No answer at 192.0.2.1:7781 within 10 s.", stage=Stage.ICE), "192.0.2.1"),
        (ProtocolError("The handshake failed.", stage=Stage.DTLS), "The handshake failed."),
        (TransportError("Silent for 3 s.", stage=Stage.MEDIA, next_step="Wait."), "3 s. Wait."),
    ],
)
def test_a_failure_of_media_says_what_failed(core: CallingError, said: str) -> None:
    error = from_core(core)
    assert error.code in (53405, 53407)
    assert said in str(error)
    assert error.__cause__ is core


def test_a_core_class_of_later_days_is_read_as_its_parent() -> None:
    class LostPacketError(TransportError):
        """Made up."""

    assert from_core(LostPacketError("x", stage=Stage.ICE)).code == 53405


def test_raising_keeps_the_chain() -> None:
    core = ServiceError("x", code=404)
    with pytest.raises(RoomNotFoundError) as caught:
        raise from_core(core)
    assert caught.value.__cause__ is core


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (endings.STAYED_TOO_LONG, 53216),
        (endings.ENDED_FOR_EVERYONE, 53118),
        (endings.LINK_LOST, 53001),
        (endings.MEDIA_LOST, 53405),
        (endings.DUPLICATE_IDENTITY, 53205),
        (endings.CALL_FULL, 53105),
        (endings.SERVICE_STOPPED, 53006),
        (EndReason(code=408, sub_code=1), 53001),
        (EndReason(code=503, sub_code=1), 53006),
    ],
)
def test_call_ends_become_the_argument_of_disconnected(reason: EndReason, code: int) -> None:
    core = error_of(reason)
    error = from_core(core, default=53001)
    assert (error.code, error.__cause__) == (code, core)
    assert error.explanation == core.message


@pytest.mark.parametrize(
    ("error", "is_passed"),
    [
        (InvalidStateError("Not now."), True),
        (InvalidArgumentError("Not this."), True),
        (InvalidArgumentError("Too long.", sub_code=53301), False),
        (MediaError("Broken."), True),
        (SourceUnavailableError("Busy.", sub_code=43000), True),
        (ServiceError("No."), False),
        (TransportError("Lost."), False),
    ],
)
def test_misuse_and_our_own_devices_are_not_twilios_errors(
    error: CallingError, is_passed: bool
) -> None:
    assert passes(error) is is_passed
