from __future__ import annotations

import pytest

from acs_core import (
    AudioOptions,
    Call,
    CallerInfo,
    CallState,
    CommunicationUserIdentifier,
    CustomContext,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    LocalAudioStream,
    LocalAudioStreamOptions,
    LocalVideoStream,
    LocalVideoStreamOptions,
    MediaConstraintRange,
    ServiceError,
    Transfer,
    TransferErrorCode,
    TransferState,
    TransferToParticipantLocator,
    TransferToParticipantOptions,
    VideoConstraints,
    VideoOptions,
    VideoSendConstraints,
    XHeader,
    wire,
)
from acs_core.core import endings
from acs_core.core.custom_context import Header
from acs_core.core.facts import CallType
from acs_core.media.sources import ToneSource
from tests.support.calls import Log, agent, endpoint, joined, settle
from tests.support.fake_session import FakeLink, FakeSession
from tests.support.media_checks import RED
from tests.support.people import pattern

NOTHING = JoinCallOptions(streams=())
TARGET = TransferToParticipantLocator(CommunicationUserIdentifier("8:acs:resource_c"))
GROUP = {"groupId": "6e7d4a1e-0000-4000-8000-000000000001"}


def between_two(session: FakeSession) -> None:
    session.others.append(endpoint("a"))
    session.call_type = CallType.ONE_TO_ONE


def requested(call: Call) -> wire.TransferRequested:
    return wire.TransferRequested(
        endpoint=call.id,
        transfer="t",
        by="8:acs:resource_a",
        by_name="A",
        locator=wire.InvitationLocator(invitation="e" * 32),
    )


def changed(call: Call, session: FakeSession, state: TransferState, code: int = 0) -> None:
    asked = session.asked[-1]
    assert isinstance(asked, wire.Transfer)
    session.observer.on_notice(
        wire.TransferChanged(
            endpoint=call.id, transfer=asked.transfer, state=state, code=code, sub_code=code
        )
    )


def reports(session: FakeSession) -> list[TransferState]:
    return [item.state for item in session.asked if isinstance(item, wire.ReportTransfer)]


async def test_a_transfer_shows_what_the_service_says_and_keeps_its_end() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        feature = call.feature(Features.TRANSFER)
        transfer = feature.transfer(TARGET)
        log = Log().watch(transfer)
        assert isinstance(transfer, Transfer)
        await settle()
        changed(call, session, TransferState.TRANSFERRING)
        changed(call, session, TransferState.FAILED, 486)
        changed(call, session, TransferState.TRANSFERRED)
        assert (transfer.state, transfer.error) == (
            TransferState.FAILED,
            TransferErrorCode(486, 486),
        )
        assert log.names == ["stateChanged", "transferStateChanged"] * 2
        session.answers[wire.Transfer] = ServiceError("no", code=400, sub_code=46052)
        refused, other = feature.transfer(TARGET), feature.transfer(TARGET)
        await settle()
        assert refused.error == other.error == TransferErrorCode(400, 46052)


async def test_a_transfer_fails_with_the_call() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        transfer = call.feature(Features.TRANSFER).transfer(TARGET)
        await settle()
        session.end(endings.LINK_LOST)
        assert transfer.error == TransferErrorCode(410, 46050)
        with pytest.raises(InvalidStateError):
            call.feature(Features.TRANSFER).transfer(TARGET)


async def test_a_transferee_goes_to_the_new_call_and_reports_how_it_goes() -> None:
    link = FakeLink(between_two)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, NOTHING)
        await call.connected()
        session = link.sessions[0]
        log = Log().watch(call.feature(Features.TRANSFER))
        # With a listener to `transferRequested` the application decides.
        session.observer.on_notice(requested(call))
        (_, (args,)) = log.entries[0]
        assert args.target_participant is None
        assert the_agent.calls == (call,)
        accepted = args.accept()
        assert args.accept() is None
        (_, target) = the_agent.calls
        assert accepted is target
        assert log.names == ["transferRequested", "transferAccepted"]
        assert log.entries[1][1][0].target_call is target
        assert (target.id, target.transferor_info.display_name) == ("e" * 32, "A")
        await target.connected()
        await settle()
        assert reports(session) == [TransferState.TRANSFERRING, TransferState.TRANSFERRED]


async def test_a_report_is_repeated_until_it_is_answered() -> None:
    link = FakeLink(between_two)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, NOTHING)
        await call.connected()
        session = link.sessions[0]
        session.losses = 3
        session.observer.on_notice(requested(call))
        (_, target) = the_agent.calls
        await target.connected()
        await settle()
        assert session.losses == 0
        assert len(reports(session)) == 2 + 3
        assert set(reports(session)) == {TransferState.TRANSFERRING, TransferState.TRANSFERRED}


async def test_a_transfer_is_asked_for_until_it_is_answered() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        session.losses = 2
        transfer = call.feature(Features.TRANSFER).transfer(TARGET)
        await settle()
        assert transfer.state is TransferState.TRANSFERRING
        assert [type(item) for item in session.asked] == [wire.Transfer] * 3


async def test_the_one_who_was_transferred_here_is_told_with_who_sent_them() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        log = Log().watch(call)
        assert call.transferor_info is None
        notice = wire.TransferredHere(endpoint=call.id, by="8:acs:resource_b", by_name="B")
        session.observer.on_notice(notice)
        assert log.names == ["transferorInfoChanged"]
        who = CommunicationUserIdentifier("8:acs:resource_b")
        assert call.transferor_info == CallerInfo(who, "B")


async def test_the_target_gets_a_custom_context_along() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        feature = call.feature(Features.TRANSFER)
        context = CustomContext(voip_headers=(XHeader("case", "7"),))
        feature.transfer(TARGET, TransferToParticipantOptions(custom_context=context))
        await settle()
        (asked,) = session.asked
        assert isinstance(asked, wire.Transfer)
        assert asked.context.voip_headers == (Header(key="case", value="7"),)
        wrong = TransferToParticipantOptions(custom_context=CustomContext(user_to_user="a b"))
        with pytest.raises(InvalidArgumentError):
            feature.transfer(TARGET, wrong)


async def test_a_transferee_takes_streams_and_constraints_along() -> None:
    tone, pictures = ToneSource(), pattern(RED)
    sound = LocalAudioStream(tone, LocalAudioStreamOptions(auto_dispose_on_call_end=True))
    camera = LocalVideoStream(pictures, LocalVideoStreamOptions(auto_dispose_on_call_end=True))
    limits = VideoConstraints(VideoSendConstraints(frame_height=MediaConstraintRange(max=180)))
    link = FakeLink(between_two)
    async with agent(link) as the_agent:
        call = the_agent.join(
            GROUP,
            JoinCallOptions(
                VideoOptions((camera,), limits), AudioOptions(local_audio_streams=(sound,))
            ),
        )
        await call.connected()
        link.sessions[0].observer.on_notice(requested(call))
        (_, target) = the_agent.calls
        await target.connected()
        link.sessions[0].end(endings.TRANSFERRED)
        await settle()
        assert call.state is CallState.DISCONNECTED
        assert not sound.is_disposed
        assert not camera.is_disposed
        assert target.local_audio_streams == (sound,)
        encodings = [stream.encoding for stream in link.sessions[1].streams.values()]
        assert 180 in [encoding.max_frame_height for encoding in encodings]
        link.sessions[1].end(endings.HUNG_UP)
        await settle()
        assert sound.is_disposed
        assert camera.is_disposed
    await tone.close()
    await pictures.close()


async def test_a_new_call_that_fails_is_reported() -> None:
    link = FakeLink(between_two)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, NOTHING)
        await call.connected()
        session = link.sessions[0]

        def refuse(fresh: FakeSession) -> None:
            fresh.join_error = ServiceError("gone", code=404, sub_code=41006)

        link.prepare = refuse
        session.observer.on_notice(requested(call))
        await settle()
        _, report = session.asked
        assert isinstance(report, wire.ReportTransfer)
        assert (report.state, report.code, report.sub_code) == (TransferState.FAILED, 404, 41006)
        assert call.state is CallState.CONNECTED


async def test_who_decides_after_the_end_of_the_call_goes_nowhere() -> None:
    link = FakeLink(between_two)
    async with agent(link) as the_agent:
        call = the_agent.join(GROUP, NOTHING)
        await call.connected()
        log = Log().watch(call.feature(Features.TRANSFER))
        link.sessions[0].observer.on_notice(requested(call))
        (_, (args,)) = log.entries[0]
        link.sessions[0].end(endings.OTHER_HUNG_UP)
        args.accept()
        assert the_agent.calls == ()
        assert log.names == ["transferRequested"]


async def test_the_number_that_a_telephone_sees_is_a_telephones() -> None:
    async with joined(NOTHING, prepare=between_two) as (call, session):
        wrong = TransferToParticipantOptions(alternate_caller_id="+15550100")  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError):
            call.feature(Features.TRANSFER).transfer(TARGET, wrong)
        assert session.asked == []
