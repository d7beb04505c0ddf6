"""The ACS program of the how-to on voice and video: one application, step by step.

`Application` is the program of the guide in one piece; what it shows on its page is in `page`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from acs_core import (
    AcceptCallOptions,
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallState,
    CommunicationUserIdentifier,
    CreateViewOptions,
    DeviceManager,
    IncomingCall,
    IncomingCallEventArgs,
    InvalidArgumentError,
    LocalVideoStream,
    PermissionConstraints,
    RemoteParticipant,
    RemoteVideoStream,
    StartCallOptions,
    VideoOptions,
    VideoStreamRenderer,
)
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED, Color
from tests.support.people import Meeting, pattern
from tests.support.snippets import shows


@dataclass
class Application:
    """Somebody's copy of the application.

    Attributes:
        page: What is shown: our own video as "local", that of others by their user ids.
        logged: What the program has said.
    """

    call_client: CallClient
    call_agent: CallAgent
    device_manager: DeviceManager
    user_id: str
    current_call: Call | None = None
    incoming_call: IncomingCall | None = None
    page: dict[str, Any] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)
    preview: VideoStreamRenderer | None = None

    @property
    def call(self) -> Call:
        assert self.current_call is not None
        return self.current_call

    async def call_options(self, with_video: bool) -> dict[str, Any]:
        """The guide uses `LocalVideoStream` without importing it."""
        options: dict[str, Any] = {"audio_options": AudioOptions(muted=False)}
        cameras = await self.device_manager.get_cameras() if with_video else []
        if cameras:
            local_video_stream = LocalVideoStream(cameras[0])
            options["video_options"] = VideoOptions((local_video_stream,))
            await self.render_local_video(local_video_stream)
        return options

    async def start_call(self, *callee_ids: str, with_video: bool = False) -> None:
        options = StartCallOptions(**await self.call_options(with_video))
        callees = [CommunicationUserIdentifier(callee_id) for callee_id in callee_ids]
        self.current_call = self.call_agent.start_call(callees, options)
        self.logged.append(f"Call started {bool(self.call.id)}")
        await self.set_up_call_event_handlers(self.call)

    def handle_incoming_call(self, incoming_call_event: IncomingCallEventArgs) -> None:
        incoming_call = incoming_call_event.incoming_call
        assert isinstance(incoming_call, IncomingCall)
        self.logged.append(f"Incoming call from {incoming_call.caller_info.display_name}")
        self.incoming_call = incoming_call

    async def accept(self, with_video: bool = False) -> None:
        assert self.incoming_call is not None
        options = AcceptCallOptions(**await self.call_options(with_video))
        self.current_call = await self.incoming_call.accept(options)
        await self.set_up_call_event_handlers(self.call)

    async def set_up_call_event_handlers(self, call: Call) -> None:
        def state_changed() -> None:
            self.logged.append(str(call.state))
            if call.state is CallState.DISCONNECTED:
                assert call.call_end_reason is not None
                self.logged.append(f"Call ended {call.call_end_reason.code}")
                self.stop_preview()

        async def remote_participants_updated(event: Any) -> None:
            for participant in event.added:
                self.logged.append(f"Joined: {participant.display_name}")
                await self.set_up_remote_participant(participant)
            for participant in event.removed:
                self.logged.append(f"Left: {participant.display_name}")
                self.page.pop(participant.identifier.communication_user_id, None)

        call.on("stateChanged", state_changed)
        call.on("remoteParticipantsUpdated", remote_participants_updated)
        for participant in call.remote_participants:
            await self.set_up_remote_participant(participant)

    async def set_up_remote_participant(self, participant: RemoteParticipant) -> None:
        assert isinstance(participant.identifier, CommunicationUserIdentifier)
        name = participant.identifier.communication_user_id

        async def video_streams_updated(event: Any) -> None:
            for stream in event.added:
                await self.render_remote_video(stream, name)
            for _ in event.removed:
                self.page.pop(name, None)

        participant.on("videoStreamsUpdated", video_streams_updated)
        for stream in participant.video_streams:
            if stream.is_available:
                await self.render_remote_video(stream, name)

    async def render_local_video(self, local_video_stream: LocalVideoStream) -> None:
        self.preview = VideoStreamRenderer(local_video_stream)
        view = await self.preview.create_view(CreateViewOptions("Crop", is_mirrored=True))
        assert (view.scaling_mode, view.is_mirrored) == ("Crop", True)
        self.page["local"] = view.target

    async def render_remote_video(self, stream: RemoteVideoStream, name: str) -> None:
        async def do_render() -> None:
            renderer = VideoStreamRenderer(stream)
            view = await renderer.create_view(CreateViewOptions(scaling_mode="Crop"))
            self.page[name] = view.target

        async def is_available_changed() -> None:
            if stream.is_available:
                await do_render()

        if not stream.is_available:
            stream.on("isAvailableChanged", is_available_changed)
            return
        await do_render()

    async def toggle_mute(self) -> None:
        if self.call.is_muted:
            await self.call.unmute()
        else:
            await self.call.mute()

    async def toggle_video(self) -> None:
        local_video_streams = self.call.local_video_streams
        if local_video_streams:
            await self.call.stop_video(local_video_streams[0])
            self.stop_preview()
        else:
            cameras = await self.device_manager.get_cameras()
            if cameras:
                local_video_stream = LocalVideoStream(cameras[0])
                await self.call.start_video(local_video_stream)
                await self.render_local_video(local_video_stream)

    async def switch_camera(self) -> None:
        cameras = await self.device_manager.get_cameras()
        if len(cameras) < 2:
            return
        current_stream = self.call.local_video_streams[0]
        current_camera_id = current_stream.source.id
        next_camera = next((one for one in cameras if one.id != current_camera_id), cameras[0])
        await current_stream.switch_source(next_camera)

    async def toggle_hold(self) -> None:
        """Only who holds a call can resume it; the guide asks for no other state."""
        if self.call.state is CallState.LOCAL_HOLD:
            await self.call.resume()
        else:
            await self.call.hold()

    async def hang_up(self) -> None:
        await self.call.hang_up()

    def stop_preview(self) -> None:
        """The guide empties the page, but lets the preview run."""
        if self.preview is not None:
            self.preview.dispose()
        self.page.pop("local", None)


async def initialize_calling(place: Meeting, display_name: str, *colors: Color) -> Application:
    """What the guide does first, for somebody with cameras of these colors."""
    # The backend's part.
    user_id, issued = place.server.issue_user_token()

    call_client = CallClient(CallClientOptions(sample_interval=0.1))
    await place.stack.enter_async_context(call_client)
    token_credential = AzureCommunicationTokenCredential(issued.token)
    call_agent = await call_client.create_call_agent(
        token_credential, CallAgentOptions(display_name)
    )
    device_manager = await call_client.get_device_manager()
    await device_manager.ask_device_permission(PermissionConstraints(audio=True, video=True))
    for color in colors:
        device_manager.add_virtual_camera(f"{color}", lambda one=color: pattern(one))  # type: ignore[misc]
    device_manager.add_virtual_microphone("microphone", ToneSource)
    application = Application(call_client, call_agent, device_manager, user_id)
    call_agent.on("incomingCall", application.handle_incoming_call)
    return application


async def call_between(place: Meeting, with_video: bool) -> tuple[Application, Application]:
    """Anna, who has a red and a green camera, has called Ben, who has a blue one."""
    anna = await initialize_calling(place, "Anna", RED, GREEN)
    ben = await initialize_calling(place, "Ben", BLUE)
    await anna.start_call(ben.user_id, with_video=with_video)
    await until(lambda: ben.incoming_call and anna.call.state is CallState.RINGING)
    await ben.accept(with_video)
    await anna.call.connected()
    await ben.call.connected()
    return anna, ben


@pytest.mark.feature(
    "INIT-004",
    "CALL-011",
    "CALL-014",
    "CALL-017",
    "INCOMING-012",
    "INCOMING-013",
    "PARTICIPANT-014",
    "PARTICIPANT-015",
    "PARTICIPANT-016",
    "RENDER-025",
    "RENDER-026",
    "LEAVE-004",
    "STATE-024",
)
async def test_init_004_call_011_a_video_call_from_beginning_to_end(place: Meeting) -> None:
    anna, ben = await call_between(place, with_video=True)
    assert ben.logged[0] == "Incoming call from Anna"
    assert anna.logged[:3] == ["Call started True", "Ringing", "Connected"]
    assert not anna.call.is_muted
    await until(lambda: ben.user_id in anna.page and anna.user_id in ben.page)
    for page, colors in (
        (anna.page, {"local": RED, ben.user_id: BLUE}),
        (ben.page, {"local": BLUE, anna.user_id: RED}),
    ):
        for name, color in colors.items():
            await shows(page[name], color)
    assert [item.display_name for item in anna.call.remote_participants] == ["Ben"]

    await anna.hang_up()
    await ben.call.ended()
    assert anna.logged[-3:-1] == ["Disconnecting", "Disconnected"]
    assert {anna.logged[-1], ben.logged[-1]} == {"Call ended 0"}
    assert "Left: Anna" in ben.logged


@pytest.mark.feature("CALL-015")
async def test_call_015_a_video_call_without_a_camera(place: Meeting) -> None:
    anna, ben = await initialize_calling(place, "Anna"), await initialize_calling(place, "Ben")
    anna.device_manager = DeviceManager(enumerate_devices=list)
    await anna.start_call(ben.user_id, with_video=True)
    await until(lambda: ben.incoming_call)
    await ben.accept()
    await anna.call.connected()
    assert not anna.call.is_local_video_started
    assert "local" not in anna.page


@pytest.mark.feature("CALL-016", "PARTICIPANT-015")
async def test_call_016_a_group_call(place: Meeting) -> None:
    anna, ben, cleo = [await initialize_calling(place, name) for name in ("Anna", "Ben", "Cleo")]
    await anna.start_call(ben.user_id, cleo.user_id)
    await until(lambda: ben.incoming_call and cleo.incoming_call)
    for one in (ben, cleo):
        await one.accept()
    for one in (anna, ben, cleo):
        await one.call.connected()
        names = {"Anna", "Ben", "Cleo"} - {one.call_agent.display_name}
        await until(
            lambda call=one.call, wanted=names: (  # type: ignore[misc]
                {item.display_name for item in call.remote_participants} == wanted
                and {str(item.state) for item in call.remote_participants} == {"Connected"}
            )
        )


@pytest.mark.feature("AUDIO-010", "VIDEO-020", "VIDEO-021")
async def test_audio_010_video_020_video_021_toggles(place: Meeting) -> None:
    anna, ben = await call_between(place, with_video=False)
    (seen,) = ben.call.remote_participants
    for is_muted in (True, False):
        await anna.toggle_mute()
        assert anna.call.is_muted is is_muted
        await until(lambda wanted=is_muted: seen.is_muted is wanted)  # type: ignore[misc]

    await anna.toggle_video()
    await until(lambda: anna.user_id in ben.page)
    await shows(ben.page[anna.user_id], RED)
    for color in (GREEN, RED):
        await anna.switch_camera()
        await shows(ben.page[anna.user_id], color)
    await anna.toggle_video()
    assert anna.call.local_video_streams == ()
    await until(lambda: anna.user_id not in ben.page)


@pytest.mark.feature("HOLD-001", "HOLD-002")
async def test_hold_001_hold_002_hold_and_resume(place: Meeting) -> None:
    anna, ben = await call_between(place, with_video=False)
    await anna.toggle_hold()
    assert anna.call.state is CallState.LOCAL_HOLD
    await until(lambda: ben.call.state is CallState.REMOTE_HOLD)
    await anna.toggle_hold()
    assert anna.call.state is CallState.CONNECTED
    await until(lambda: ben.call.state is CallState.CONNECTED)


@pytest.mark.feature("DEVICE-008", "DEVICE-009", "DEVICE-010")
async def test_device_008_to_010_choose_devices() -> None:
    listed = [
        DeviceDescription(f"{kind} {number}", f"{kind}{number}", kind, number == 1, "alsa")
        for kind in (DeviceKind.MICROPHONE, DeviceKind.SPEAKER)
        for number in (1, 2)
    ]
    device_manager = DeviceManager(enumerate_devices=lambda: listed)
    device_manager.add_virtual_camera("camera", lambda: pattern(RED))
    cameras = await device_manager.get_cameras()
    microphones = await device_manager.get_microphones()
    speakers = await device_manager.get_speakers()
    shown = [{"id": one.id, "name": one.name} for one in (*cameras, *microphones, *speakers)]
    assert all(isinstance(item["id"], str) and item["name"] for item in shown)
    assert len(shown) == 5

    changed = next_event(device_manager, "selectedMicrophoneChanged")
    device_id = microphones[1].id
    (selected,) = [one for one in microphones if one.id == device_id]
    await device_manager.select_microphone(selected)
    await changed
    assert device_manager.selected_microphone == selected
    await device_manager.select_speaker(speakers[1])
    assert device_manager.selected_speaker == speakers[1]
    wrong: Any = "the first"
    with pytest.raises(InvalidArgumentError) as caught:
        await device_manager.select_microphone(wrong)
    assert (caught.value.code, caught.value.sub_code) == (400, 40615)
    with pytest.raises(InvalidArgumentError) as missing:
        await DeviceManager(enumerate_devices=list).select_speaker(speakers[1])
    assert (missing.value.code, missing.value.sub_code) == (405, 40611)
