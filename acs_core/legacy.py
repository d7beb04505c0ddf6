"""The names of the first public versions of the ACS Calling SDK (autumn 2020), for older programs.

A program written for them imports its client from here and goes on::

    from acs_core.legacy import CallClient

    client = CallClient()
    agent = await client.create_call_agent(credential)
    devices = await client.get_device_manager()
    camera = devices.get_camera_list()[0]
    call = agent.call([CommunicationUserIdentifier(user_id)])

The classes here are today's with their former names added, and make each other: calls of this call
agent, participants of these calls. What was renamed raises a `DeprecationWarning` that says today's
name; today's names work, too. Former event names are raised right after today's.

    CallAgent.call                      CallAgent.start_call
    Call.api                            Call.feature
    Call.is_microphone_muted            Call.is_muted
    Call.unhold                         Call.resume
    CallerInfo.identity                 CallerInfo.identifier
    DeviceManager.get_camera_list, get_microphone_list, get_speaker_list
                                        get_cameras, get_microphones, get_speakers
    DeviceManager.get_microphone, get_speaker, set_microphone, set_speaker
                                        selected_microphone, selected_speaker,
                                        select_microphone, select_speaker
    DeviceManager.get_permission_state  ask_device_permission
    LocalVideoStream.get_source, get_media_stream_type
                                        source, media_stream_type
    RemoteVideoStream.type              media_stream_type
    Renderer, RendererView, RendererOptions(mirrored=...)
                                        VideoStreamRenderer, VideoStreamRendererView,
                                        CreateViewOptions(is_mirrored=...)
    HangupCallOptions                   HangUpOptions
    'callStateChanged', 'callIdChanged' 'stateChanged', 'idChanged' of Call
    'callEnded' of Call                 'stateChanged' to Disconnected
    'participantStateChanged'           'stateChanged' of RemoteParticipant
    'availabilityChanged'               'isAvailableChanged' of RemoteVideoStream
    RendererView.mirrored               is_mirrored
    TransferToParticipant               TransferToParticipantLocator
    'transferStateChanged' of Transfer  'stateChanged'
    'transferRequested', with accept and reject
                                        'transferAccepted': nobody is asked today
    'permissionStateChanged' of DeviceManager
                                        none; see `DeviceManager.set_permissions`

Transfers have both events in today's classes: whoever listens to 'transferRequested' decides.

States have today's names, of which `call_state` and `participant_state` give the former ones: a
call that rings was a `Call` in state `Incoming` once and is an `IncomingCall` today, `LocalHold`
and `RemoteHold` were one state `Hold`, and a participant on `Hold` was `OnHold`.

Source: @azure/communication-calling 1.0.0-beta.4, and 1.0.0-beta.1 for the events of `Call`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypeVar

import acs_core as today
from acs_core import wire
from acs_core.client.emitter import Emitter
from acs_core.client.features.base import CallFeature, FeatureKey
from acs_core.client.setup import CallSetup
from acs_core.errors import Stage
from acs_core.legacy_states import (
    CallState,
    PermissionState,
    PermissionType,
    RemoteParticipantState,
    call_state,
    participant_state,
)
from acs_core.models import CallEndedEventArgs, GroupLocator

__all__ = [
    "Call",
    "CallAgent",
    "CallClient",
    "CallState",
    "CallerInfo",
    "DeviceManager",
    "HangupCallOptions",
    "IncomingCall",
    "LocalVideoStream",
    "PermissionState",
    "PermissionType",
    "RemoteParticipant",
    "RemoteParticipantState",
    "RemoteVideoStream",
    "Renderer",
    "RendererOptions",
    "RendererView",
    "TransferToParticipant",
    "call_state",
    "participant_state",
]

Renderer = today.VideoStreamRenderer
"""Former name of `VideoStreamRenderer`."""
RendererView = today.VideoStreamRendererView
"""Former name of `VideoStreamRendererView`."""
HangupCallOptions = today.HangUpOptions
"""Former name of `HangUpOptions`."""
TransferToParticipant = today.TransferToParticipantLocator
"""Former name of `TransferToParticipantLocator`."""

_Feature = TypeVar("_Feature", bound=CallFeature)

# From the warning over the former name's own frame to the line that uses it.
_CALLER: Final = 3


def _renamed(former: str, current: str) -> None:
    warnings.warn(f"{former} is called {current} today.", DeprecationWarning, stacklevel=_CALLER)


class _FormerEvents(Emitter):
    """An emitter that raises events under their former names, too.

    Attributes:
        FORMER: Today's names of events and the former ones.
    """

    FORMER: ClassVar[Mapping[str, str]]

    def _emit(self, event: str, *args: object) -> None:
        super()._emit(event, *args)
        if event in self.FORMER:
            super()._emit(self.FORMER[event], *args)

    def _known(self, event: str) -> str:
        known = super()._known(event)
        for current, former in self.FORMER.items():
            if former == known:
                message = f"The event {former!r} is called {current!r} today."
                warnings.warn(message, DeprecationWarning, stacklevel=_CALLER)
        return known


class CallerInfo(today.CallerInfo):
    """Who started a call."""

    @property
    def identity(self) -> today.CommunicationIdentifier | None:
        """Former name of `identifier`."""
        _renamed("identity", "identifier")
        return self.identifier


class RemoteVideoStream(_FormerEvents, today.RemoteVideoStream):
    """Video of a remote participant."""

    FORMER: ClassVar[Mapping[str, str]] = {
        today.RemoteVideoStreamEvent.IS_AVAILABLE_CHANGED: "availabilityChanged"
    }
    EVENTS: ClassVar[frozenset[str]] = today.RemoteVideoStream.EVENTS | {"availabilityChanged"}

    @property
    def type(self) -> today.MediaStreamType:
        """Former name of `media_stream_type`."""
        _renamed("type", "media_stream_type")
        return self.media_stream_type


class LocalVideoStream(today.LocalVideoStream):
    """A camera or screen of ours."""

    def get_source(self) -> today.VideoDeviceInfo:
        """Former form of `source`."""
        _renamed("get_source()", "source")
        return self.source

    def get_media_stream_type(self) -> today.MediaStreamType:
        """Former form of `media_stream_type`."""
        _renamed("get_media_stream_type()", "media_stream_type")
        return self.media_stream_type


class RemoteParticipant(_FormerEvents, today.RemoteParticipant):
    """Somebody else in the call."""

    VIDEO_STREAM: ClassVar[type[today.RemoteVideoStream]] = RemoteVideoStream
    FORMER: ClassVar[Mapping[str, str]] = {
        today.RemoteParticipantEvent.STATE_CHANGED: "participantStateChanged"
    }
    EVENTS: ClassVar[frozenset[str]] = today.RemoteParticipant.EVENTS | {"participantStateChanged"}


class Call(_FormerEvents, today.Call):
    """A call; 'callEnded' passes `CallEndedEventArgs`, once."""

    PARTICIPANT: ClassVar[type[today.RemoteParticipant]] = RemoteParticipant
    FORMER: ClassVar[Mapping[str, str]] = {
        today.CallEvent.STATE_CHANGED: "callStateChanged",
        today.CallEvent.ID_CHANGED: "callIdChanged",
    }
    EVENTS: ClassVar[frozenset[str]] = today.Call.EVENTS | {
        "callStateChanged",
        "callIdChanged",
        "callEnded",
    }

    @property
    def caller_info(self) -> CallerInfo:
        """Who started the call."""
        info = super().caller_info
        return CallerInfo(info.identifier, info.display_name)

    @property
    def is_microphone_muted(self) -> bool:
        """Former name of `is_muted`."""
        _renamed("is_microphone_muted", "is_muted")
        return self.is_muted

    def api(self, key: FeatureKey[_Feature]) -> _Feature:
        """Former name of `feature`.

        Raises:
            InvalidArgumentError: Calls have no such feature.
        """
        _renamed("api", "feature")
        return self.feature(key)

    async def unhold(self) -> None:
        """Former name of `resume`.

        Raises:
            InvalidStateError: 500/41034: we do not hold it.
            CallingError: The service could not be told; nothing has changed.
        """
        _renamed("unhold", "resume")
        await self.resume()

    def _emit(self, event: str, *args: object) -> None:
        super()._emit(event, *args)
        reason = self.call_end_reason
        is_over = (
            event == today.CallEvent.STATE_CHANGED and self.state is today.CallState.DISCONNECTED
        )
        if is_over and reason is not None:
            super()._emit("callEnded", CallEndedEventArgs(reason))


class IncomingCall(today.IncomingCall):
    """A call that rings; in 1.0.0-beta.1 it was a `Call` in state `Incoming`."""

    @property
    def caller_info(self) -> CallerInfo:
        """Who calls."""
        info = super().caller_info
        return CallerInfo(info.identifier, info.display_name)


class CallAgent(today.CallAgent):
    """Makes and takes calls; made by `CallClient.create_call_agent` of this module."""

    def call(
        self,
        participants: Sequence[today.CommunicationIdentifier],
        options: today.StartCallOptions | None = None,
    ) -> Call:
        """Former name of `start_call`, with the same arguments and errors."""
        _renamed("call", "start_call")
        return self.start_call(participants, options)

    def start_call(
        self,
        participants: Sequence[today.CommunicationIdentifier],
        options: today.StartCallOptions | None = None,
    ) -> Call:
        """Call somebody; as `acs_core.CallAgent.start_call`."""
        return _own(super().start_call(participants, options))

    def join(self, locator: GroupLocator, options: today.JoinCallOptions | None = None) -> Call:
        """Join a group call or a room; as `acs_core.CallAgent.join`."""
        return _own(super().join(locator, options))

    def _new_call(self, setup: CallSetup) -> Call:
        return Call(setup)

    def _new_incoming(self, invited: wire.Invited) -> IncomingCall:
        return IncomingCall(invited, self._owner, self._accept, self._reply)

    def _accept(self, invited: wire.Invited, options: today.AcceptCallOptions | None) -> Call:
        return _own(super()._accept(invited, options))


def _own(call: today.Call) -> Call:
    """A call that `CallAgent._new_call` made."""
    assert isinstance(call, Call)
    return call


class DeviceManager(today.DeviceManager):
    """Lists and selects devices; the lists are of when devices were looked for last.

    The client looks when it makes a call agent; `refresh` and today's names look again.
    'permissionStateChanged' passes nothing.
    """

    EVENTS: ClassVar[frozenset[str]] = today.DeviceManager.EVENTS | {"permissionStateChanged"}

    def get_camera_list(self) -> list[today.VideoDeviceInfo]:
        """Former form of `get_cameras`, which is awaited."""
        _renamed("get_camera_list", "get_cameras")
        return self._cameras()

    def get_microphone_list(self) -> list[today.AudioDeviceInfo]:
        """Former form of `get_microphones`, which is awaited."""
        _renamed("get_microphone_list", "get_microphones")
        return self._microphones()

    def get_speaker_list(self) -> list[today.AudioDeviceInfo]:
        """Former form of `get_speakers`, which is awaited."""
        _renamed("get_speaker_list", "get_speakers")
        return self._speakers()

    def get_microphone(self) -> today.AudioDeviceInfo | None:
        """Former form of `selected_microphone`."""
        _renamed("get_microphone()", "selected_microphone")
        return self.selected_microphone

    def get_speaker(self) -> today.AudioDeviceInfo | None:
        """Former form of `selected_speaker`."""
        _renamed("get_speaker()", "selected_speaker")
        return self.selected_speaker

    async def set_microphone(self, device: today.AudioDeviceInfo) -> None:
        """Former name of `select_microphone`; unlike then it is awaited.

        Raises:
            InvalidArgumentError: 400/40615: it is none of the listed ones.
        """
        _renamed("set_microphone", "select_microphone")
        await self.select_microphone(device)

    async def set_speaker(self, device: today.AudioDeviceInfo) -> None:
        """Former name of `select_speaker`; unlike then it is awaited.

        Raises:
            InvalidArgumentError: 405/40611: there are no speakers; 400/40615: not one of them.
        """
        _renamed("set_speaker", "select_speaker")
        await self.select_speaker(device)

    async def ask_device_permission(
        self, constraints: today.PermissionConstraints | bool, video: bool = False
    ) -> today.DeviceAccess:
        """What may be captured, asked today's way or by two flags: audio, then video.

        Raises:
            InvalidArgumentError: 400/40612: neither audio nor video is asked for.
        """
        if isinstance(constraints, bool):
            _renamed(
                "ask_device_permission(audio, video)",
                "ask_device_permission(PermissionConstraints(audio=..., video=...))",
            )
            constraints = today.PermissionConstraints(audio=constraints, video=video)
        return await super().ask_device_permission(constraints)

    async def get_permission_state(self, permission: PermissionType | str) -> PermissionState:
        """Whether a device may be captured; removed before 1.0.0.

        Args:
            permission: `Microphone` or `Camera`.

        Raises:
            InvalidArgumentError: It is neither.
        """
        _renamed("get_permission_state", "ask_device_permission")
        try:
            asked = PermissionType(permission)
        except ValueError as error:
            raise today.InvalidArgumentError(
                f"There is no permission {permission!r}.",
                stage=Stage.ARGUMENT,
                next_step="Ask for Microphone or Camera.",
            ) from error
        is_audio = asked is PermissionType.MICROPHONE
        access = await super().ask_device_permission(
            today.PermissionConstraints(audio=is_audio, video=not is_audio)
        )
        is_granted = access.audio if is_audio else access.video
        return PermissionState.GRANTED if is_granted else PermissionState.DENIED

    def set_permissions(self, permissions: today.PermissionPolicy) -> None:
        """Permit other devices from now on, as users of browsers do by changing their mind (ours).

        Devices that are open stay open. Raises 'permissionStateChanged' if something changes.
        """
        has_changed = permissions != self._permissions
        self._permissions = permissions
        if has_changed:
            self._emit("permissionStateChanged")


class CallClient(today.CallClient):
    """Entry point of the SDK; makes the objects of this module."""

    AGENT: ClassVar[type[today.CallAgent]] = CallAgent
    DEVICES: ClassVar[type[today.DeviceManager]] = DeviceManager

    async def create_call_agent(
        self,
        credential: today.AzureCommunicationTokenCredential,
        options: today.CallAgentOptions | None = None,
    ) -> CallAgent:
        """Connect to the service as a user; as `acs_core.CallClient.create_call_agent`."""
        agent = await super().create_call_agent(credential, options)
        assert isinstance(agent, CallAgent)
        return agent

    async def get_device_manager(self) -> DeviceManager:
        """The devices of this computer and program, once there is a call agent.

        Raises:
            InvalidStateError: There is no call agent yet, a rule that was given up later; or
                404/40012: the client is disposed.
        """
        devices = await super().get_device_manager()
        if self._agent is None:
            raise today.InvalidStateError(
                "There is no device manager before there is a call agent.",
                next_step="Make a call agent first, or use acs_core.CallClient.",
            )
        assert isinstance(devices, DeviceManager)
        return devices


class RendererOptions(today.CreateViewOptions):
    """Former name of `CreateViewOptions`, in which `is_mirrored` was `mirrored`."""

    def __init__(
        self,
        scaling_mode: today.ScalingMode | str = today.ScalingMode.STRETCH,
        mirrored: bool | None = None,
    ) -> None:
        """Say how a view shows its stream; None mirrors local cameras only."""
        super().__init__(scaling_mode, mirrored)

    @property
    def mirrored(self) -> bool | None:
        """Former name of `is_mirrored`."""
        return self.is_mirrored
