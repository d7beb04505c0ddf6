"""Everything that can be awaited ends, with a coded error, when the service falls silent."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pytest

import acs_core
from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallSurvey,
    CaptionsCommon,
    CommunicationUserIdentifier,
    Features,
    IncomingCall,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    RaiseHandCallFeature,
    ReactionMessage,
    RemoteParticipant,
    SpotlightCallFeature,
    VideoOptions,
)
from acs_core.client.service_link import SignalingLink
from acs_core.client.signaling import SignalingTimes
from acs_core.core.call import CallState
from acs_core.errors import CallingError
from acs_core.media.sources import ToneSource
from acs_core.models import RoomCallLocator
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import ROOM, Meeting, meeting, pattern
from tests.support.proxies import TcpProxy, tcp_proxy

QUICK: Final = SignalingTimes(open=2.0, request=0.5, attempt=0.5)
DEADLINE: Final = 10.0


@dataclass
class Silenced:
    """A participant of a call whose service does not say anything any more."""

    call: Call
    agent: CallAgent
    client: CallClient
    another_client: CallClient
    incoming: tuple[IncomingCall, IncomingCall]
    camera: LocalVideoStream
    microphone: LocalAudioStream
    other: RemoteParticipant
    credential: AzureCommunicationTokenCredential
    screen: LocalVideoStream
    proxy: TcpProxy

    @property
    def people(self) -> list[Any]:
        return [self.other.identifier]


def client_of(url: str) -> CallClient:
    return CallClient(
        CallClientOptions(service_url=url), link_factory=partial(SignalingLink, times=QUICK)
    )


@asynccontextmanager
async def silenced() -> AsyncIterator[Silenced]:
    """A call with sound and pictures, an incoming call, and then a link that carries nothing."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(meeting())
        proxy = await stack.enter_async_context(tcp_proxy(place.server.port))
        stack.callback(proxy.restore)
        raw_id, token = place.server.issue_user_token()
        credential = AzureCommunicationTokenCredential(token.token)
        client = await stack.enter_async_context(client_of(proxy.url))
        agent = await client.create_call_agent(credential, CallAgentOptions("Silenced"))
        camera, microphone = LocalVideoStream(pattern(RED)), LocalAudioStream(ToneSource(440))
        call = agent.join(
            RoomCallLocator(ROOM),
            JoinCallOptions(VideoOptions((camera,)), AudioOptions(False, (microphone,))),
        )
        await call.connected()
        other = await place.user("Other")
        await other.join(video=LocalVideoStream(pattern(BLUE)))
        await until(lambda: call.remote_participants)
        yield Silenced(
            call,
            agent,
            client,
            await stack.enter_async_context(client_of(proxy.url)),
            (await ring(place, agent, raw_id), await ring(place, agent, raw_id)),
            camera,
            microphone,
            call.remote_participants[0],
            credential,
            LocalVideoStream(pattern(GREEN)),
            proxy,
        )


async def ring(place: Meeting, agent: CallAgent, raw_id: str) -> IncomingCall:
    caller = await place.user("Caller")
    rung = next_event(agent, "incomingCall")
    caller.agent.start_call([CommunicationUserIdentifier(raw_id)])
    (event,) = await rung
    incoming = event.incoming_call
    assert isinstance(incoming, IncomingCall)
    return incoming


async def accepted(incoming: IncomingCall) -> Call:
    return await (await incoming.accept()).connected()


def media_access(name: str) -> Callable[[Silenced], Awaitable[object]]:
    takes_people = not name.endswith(("others_audio", "others_video"))

    def ask(there: Silenced) -> Awaitable[object]:
        method = getattr(there.call.feature(Features.MEDIA_ACCESS), name)
        asked: Awaitable[object] = method(*([there.people] if takes_people else []))
        return asked

    return ask


def hands(there: Silenced) -> RaiseHandCallFeature:
    return there.call.feature(Features.RAISE_HAND)


def lights(there: Silenced) -> SpotlightCallFeature:
    return there.call.feature(Features.SPOTLIGHT)


def captions(there: Silenced) -> CaptionsCommon:
    return there.call.feature(Features.CAPTIONS).captions


ASKS: Final[dict[str, Callable[[Silenced], Awaitable[object]]]] = {
    "CallClient.create_call_agent": lambda t: t.another_client.create_call_agent(t.credential),
    "CallClient.create_teams_call_agent": lambda t: t.another_client.create_teams_call_agent(
        t.credential
    ),
    "CallCommon.connected": lambda t: t.agent.join(RoomCallLocator(ROOM)).connected(),
    "CallCommon.hold": lambda t: t.call.hold(),
    "CallCommon.mute_all_remote_participants": lambda t: t.call.mute_all_remote_participants(),
    "CallCommon.remove_participant": lambda t: t.call.remove_participant(t.people[0]),
    "CallCommon.send_dtmf": lambda t: t.call.send_dtmf("Num1"),
    "CallMedia.start_screen_sharing": lambda t: t.call.start_screen_sharing(t.screen),
    "CallMedia.stop_audio": lambda t: t.call.stop_audio(),
    "CallMedia.stop_video": lambda t: t.call.stop_video(t.camera),
    "CallSurveyFeature.submit_survey": lambda t: t.call.feature(Features.CALL_SURVEY).submit_survey(
        CallSurvey()
    ),
    "CaptionsCommon.set_spoken_language": lambda t: captions(t).set_spoken_language("en-us"),
    "CaptionsCommon.start_captions": lambda t: captions(t).start_captions(),
    "CaptionsCommon.stop_captions": lambda t: captions(t).stop_captions(),
    "IncomingCallCommon.accept": lambda t: accepted(t.incoming[0]),
    "IncomingCallCommon.reject": lambda t: t.incoming[1].reject(),
    "Lobby.admit": lambda t: t.call.lobby.admit(t.people[0]),
    "Lobby.admit_all": lambda t: t.call.lobby.admit_all(),
    "Lobby.reject": lambda t: t.call.lobby.reject(t.people[0]),
    "LocalRecordingCallFeature.announce": lambda t: t.call.feature(
        Features.LOCAL_RECORDING
    ).announce(is_recording=True),
    "RaiseHandCallFeature.lower_all_hands": lambda t: hands(t).lower_all_hands(),
    "RaiseHandCallFeature.lower_hand": lambda t: hands(t).lower_hand(),
    "RaiseHandCallFeature.lower_hands": lambda t: hands(t).lower_hands(t.people),
    "RaiseHandCallFeature.raise_hand": lambda t: hands(t).raise_hand(),
    "ReactionCallFeature.send_reaction": lambda t: t.call.feature(Features.REACTION).send_reaction(
        ReactionMessage("like")
    ),
    "RecordingCallFeature.grant_teams_consent": lambda t: t.call.feature(
        Features.RECORDING
    ).grant_teams_consent(),
    "ReceivePolicyFeature.set": lambda t: t.call.feature(Features.RECEIVE_POLICY).set(
        automatic=False
    ),
    "RemoteParticipant.mute": lambda t: t.other.mute(),
    "SpotlightCallFeature.start_spotlight": lambda t: lights(t).start_spotlight(t.people),
    "SpotlightCallFeature.stop_all_spotlight": lambda t: lights(t).stop_all_spotlight(),
    "SpotlightCallFeature.stop_spotlight": lambda t: lights(t).stop_spotlight(t.people),
    "StreamsFeature.publish": lambda t: t.call.feature(Features.STREAMS).publish(pattern(GREEN)),
    "StreamsFeature.publish_data": lambda t: t.call.feature(Features.STREAMS).publish_data(),
    "TranscriptionCallFeature.grant_teams_consent": lambda t: t.call.feature(
        Features.TRANSCRIPTION
    ).grant_teams_consent(),
} | {
    f"MediaAccessCallFeature.{verb}_{whom}": media_access(f"{verb}_{whom}")
    for verb in ("permit", "forbid")
    for whom in ("audio", "video", "others_audio", "others_video")
}


_OF_OURS: Final = "works on frames of ours"
_DEVICES: Final = "asks this computer"
_AT_ONCE: Final = "counts at once; the service is told, as soon as it can be"
_AS_ABOVE: Final = "asks as the others of its class do"
LOCAL: Final = {
    "AudioEffect": _OF_OURS,
    "AzureCommunicationTokenCredential": "asks the refresher of the program",
    "Background": _OF_OURS,
    "CallAgentCommon.dispose": "ends within 2 s, below",
    "CallClient.dispose": "ends within 2 s, below",
    "CallClient.get_device_manager": _DEVICES,
    "CallCommon.aclose": "is hang_up",
    "CallCommon.ended": "waits for the end of the call, which has a window",
    "CallCommon.hang_up": "ends within 2 s, below",
    "CallCommon.resume": "is hold the other way round",
    "CallInfoCommon": "known since the call was connected",
    "CallMedia.mute": _AT_ONCE,
    "CallMedia.set_constraints": _OF_OURS,
    "CallMedia.start": _AS_ABOVE,
    "CallMedia.stop_screen_sharing": _AS_ABOVE,
    "CallMedia.unmute": _AT_ONCE,
    "DataChannelSender": "writes into an open channel",
    "DebugInfoCallClientFeature": _DEVICES,
    "DeepNoiseSuppressionEffect": _OF_OURS,
    "DeviceManager": _DEVICES,
    "EchoCancellation": _OF_OURS,
    "LocalAudioStream": _DEVICES,
    "LocalMediaStream": _DEVICES,
    "LocalPublication": _AT_ONCE,
    "LocalRecorder": "writes files",
    "LocalVideoStream": _DEVICES,
    "MaskedEffect": _OF_OURS,
    "MediaEffect": _OF_OURS,
    "PreCallDiagnosticsFeature": "each part of its result fails by itself",
    "RealTimeTextFeature": "writes into an open channel",
    "ReceivePolicyFeature": _AS_ABOVE,
    "RemoteAudio": "reads what was received",
    "RemotePublication": "waits for a subscription, as long as the caller likes",
    "RemoteVideoStream": "takes its deadline as an argument",
    "StreamsFeature": _AS_ABOVE,
    "TeamsCaptions": "asks as CaptionsCommon does",
    "VideoEffectsFeature": _OF_OURS,
    "VideoStreamRenderer": "reads what was received",
}
"""Methods, or whole classes, that ask nothing of the service."""


def test_every_awaitable_is_known_to_ask_the_service_or_not() -> None:
    unknown = {
        method.__qualname__
        for name in acs_core.__all__
        if inspect.isclass(kind := getattr(acs_core, name))
        for attribute, method in inspect.getmembers(kind, inspect.iscoroutinefunction)
        if not attribute.startswith("_")
        and method.__qualname__ not in ASKS
        and method.__qualname__ not in LOCAL
        and not method.__qualname__.startswith(tuple(LOCAL))
    }
    assert unknown == set()


async def refusal(name: str, asked: Awaitable[object]) -> CallingError:
    try:
        async with asyncio.timeout(DEADLINE):
            answer = await asked
    except CallingError as error:
        return error
    pytest.fail(f"{name} returned {answer!r}")


async def test_what_asks_a_silent_service_ends_with_a_coded_error_and_then_the_call_ends() -> None:
    async with silenced() as there:
        there.proxy.freeze()
        errors = await asyncio.gather(*(refusal(name, ask(there)) for name, ask in ASKS.items()))
        for name, error in zip(ASKS, errors, strict=True):
            assert all((error.code, error.message, error.stage, error.next_step)), name
        async with asyncio.timeout(2.0):
            await there.call.hang_up()
        async with asyncio.timeout(2.0):
            await there.client.dispose()
        assert there.call.state is CallState.DISCONNECTED
