from __future__ import annotations

from datetime import UTC, datetime

import pytest

from acs_core import (
    CallEndReason,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    RealTimeTextInfo,
    RealTimeTextResultType,
    ServiceError,
    TransportError,
    wire,
)
from acs_core.core.facts import EndpointLeft
from tests.support.calls import endpoint, joined
from tests.support.fake_session import FakeSession

NOTHING = JoinCallOptions(streams=())


def with_ann(session: FakeSession) -> None:
    session.others.append(endpoint("a"))


def said(text: str, sequence: int = 1, *, is_final: bool = False, at: float = 10.0) -> wire.Notice:
    return wire.RealTimeText(
        endpoint="e" * 32,
        sender="a" * 32,
        sequence=sequence,
        text=text,
        is_final=is_final,
        timestamp=at,
    )


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def test_a_message_keeps_its_number_until_it_is_final() -> None:
    async with joined(NOTHING, prepare=with_ann) as (call, session):
        heard: list[RealTimeTextInfo] = []
        call.feature(Features.REAL_TIME_TEXT).on("realTimeTextReceived", heard.append)
        session.observer.on_notice(said("H", at=10.0))
        session.observer.on_notice(said("Hi", at=11.0, is_final=True))
        session.observer.on_notice(said("Bye", 2, at=12.0))
        assert [(item.sequence_id, item.text, item.result_type) for item in heard] == [
            (1, "H", "Partial"),
            (1, "Hi", RealTimeTextResultType.FINAL),
            (2, "Bye", "Partial"),
        ]
        assert [item.received_timestamp for item in heard] == [moment(10), moment(10), moment(12)]
        assert [item.updated_timestamp for item in heard] == [moment(10), moment(11), moment(12)]
        assert heard[0].sender.identifier == call.remote_participants[0].identifier
        assert (heard[0].sender.display_name, heard[0].is_local) == ("A", False)


async def test_what_we_write_is_sent_whole_and_shown_here_too() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.REAL_TIME_TEXT)
        heard: list[RealTimeTextInfo] = []
        feature.on("realTimeTextReceived", heard.append)
        await feature.send_real_time_text("H")
        await feature.send_real_time_text("Hi", finalized=True)
        await feature.send_real_time_text("")
        assert session.asked == [
            wire.SendRealTimeText(endpoint=call.id, sequence=1, text="H"),
            wire.SendRealTimeText(endpoint=call.id, sequence=1, text="Hi", is_final=True),
            wire.SendRealTimeText(endpoint=call.id, sequence=2, text=""),
        ]
        assert [(item.sequence_id, item.text, item.is_local) for item in heard] == [
            (1, "H", True),
            (1, "Hi", True),
            (2, "", True),
        ]


async def test_a_text_of_somebody_who_left_meanwhile_is_nobodys() -> None:
    async with joined(NOTHING, prepare=with_ann) as (call, session):
        heard: list[RealTimeTextInfo] = []
        call.feature(Features.REAL_TIME_TEXT).on("realTimeTextReceived", heard.append)
        session.say(EndpointLeft(endpoint="a" * 32, reason=CallEndReason()))
        session.observer.on_notice(said("late"))
        assert heard == []


async def test_what_cannot_be_sent_is_told_with_acs_codes() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.REAL_TIME_TEXT)
        with pytest.raises(InvalidArgumentError) as too_long:
            await feature.send_real_time_text("x" * 2001)
        assert (too_long.value.code, too_long.value.sub_code) == (400, 46552)
        session.answers[wire.SendRealTimeText] = TransportError("gone")
        with pytest.raises(ServiceError) as failed:
            await feature.send_real_time_text("x" * 2000)
        assert (failed.value.code, failed.value.sub_code) == (500, 46553)
        assert isinstance(failed.value.__cause__, TransportError)
        await call.hang_up()
        with pytest.raises(InvalidStateError):
            await feature.send_real_time_text("x")
