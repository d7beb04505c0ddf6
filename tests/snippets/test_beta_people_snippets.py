"""The programs of the quickstart of 2020: the others in a call, their video, and devices.

They use `acs_core.legacy`, whose names of 2020 warn; here they run as they were written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from acs_core import (
    AddPhoneNumberOptions,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStreamType,
    MicrosoftTeamsUserIdentifier,
    PermissionPolicy,
    PhoneNumberIdentifier,
    StartCallOptions,
    create_identifier_from_raw_id,
    legacy,
)
from acs_core.media.devices import DeviceDescription, DeviceKind
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, GREEN, RED
from tests.support.people import Meeting, camera, pattern, seen_by
from tests.support.snippets import (
    ACCEPT_QUIETLY,
    Pair,
    Town,
    beta_user,
    shows,
    user_id,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* is called .* today:DeprecationWarning")

PHONE, OUR_NUMBER = PhoneNumberIdentifier("+15550100"), PhoneNumberIdentifier("+15550199")


@pytest.mark.feature("IDENT-002", "IDENT-003", "IDENT-004")
def test_ident_002_to_004_kinds_of_identifiers() -> None:
    for raw_id, kind in (
        ("8:acs:resource_user", "communicationUser"),
        ("4:+15550100", "phoneNumber"),
        ("8:orgid:user", "microsoftTeamsUser"),
        ("8:dod:user", "microsoftTeamsUser"),
        ("8:gcch:user", "microsoftTeamsUser"),
        ("8:teamsvisitor:user", "microsoftTeamsUser"),
    ):
        identifier = create_identifier_from_raw_id(raw_id)
        assert (identifier.kind, identifier.raw_id) == (kind, raw_id)
    user = MicrosoftTeamsUserIdentifier("user")
    assert (user.is_anonymous, str(user.cloud)) == (False, "public")


@pytest.mark.feature("PARTICIPANT-011", "PARTICIPANT-012", "PARTICIPANT-013", "STATE-018")
async def test_participant_011_to_013_what_a_participant_says(place: Meeting) -> None:
    anna, ben = await beta_user(place, "Anna"), await beta_user(place, "Ben")
    other = await anna.join(
        video=LocalVideoStream(camera(RED)), audio=LocalAudioStream(ToneSource()), muted=True
    )
    call = await ben.join()
    (remote_participant,) = await seen_by(call)
    assert remote_participant.identifier == user_id(anna)
    assert legacy.participant_state(remote_participant) == "Connected"
    assert remote_participant.call_end_reason is None
    assert (remote_participant.is_muted, remote_participant.is_speaking) == (True, False)
    (video_stream,) = remote_participant.video_streams
    assert isinstance(video_stream, legacy.RemoteVideoStream)

    await other.unmute()
    await until(lambda: not remote_participant.is_muted and remote_participant.is_speaking)
    await other.mute()
    await until(lambda: remote_participant.is_muted and not remote_participant.is_speaking)


@pytest.mark.feature("PARTICIPANT-010", "PSTN-003", "PSTN-004", "STATE-021")
async def test_participant_010_pstn_003_pstn_004_add_and_remove(town: Town) -> None:
    anna, ben, cleo = [await beta_user(town.place, name) for name in ("Anna", "Ben", "Cleo")]
    ringing = next_event(ben.agent, "incomingCall")
    call = anna.agent.start_call([user_id(ben)], StartCallOptions(streams=()))
    (args,) = await ringing
    await args.incoming_call.accept(ACCEPT_QUIETLY)
    await call.connected()

    ringing = next_event(cleo.agent, "incomingCall")
    user_identifier, pstn_identifier = user_id(cleo), PHONE
    remote_participant = call.add_participant(user_identifier)
    (args,) = await ringing
    await args.incoming_call.reject()
    await until(lambda: legacy.participant_state(remote_participant) == "Disconnected")
    call_end_reason = remote_participant.call_end_reason
    assert call_end_reason is not None
    assert call_end_reason.code == 603
    assert isinstance(call_end_reason.sub_code, int)

    with pytest.raises(InvalidArgumentError):
        call.add_participant(pstn_identifier)
    telephone = call.add_participant(pstn_identifier, AddPhoneNumberOptions(OUR_NUMBER))
    await until(lambda: town.telephones.placed)
    town.telephones.placed[0].leg.answered()
    await until(lambda: telephone.state == "Connected")
    await call.remove_participant(pstn_identifier)
    assert [item.display_name for item in call.remote_participants] == ["Ben"]
    await call.remove_participant(user_id(ben))
    assert call.remote_participants == ()


@pytest.mark.feature(
    "LEGACY-008",
    "LEGACY-009",
    "LEGACY-010",
    "RENDER-016",
    "RENDER-017",
    "RENDER-018",
    "RENDER-020",
    "RENDER-022",
    "RENDER-023",
)
async def test_legacy_010_render_016_to_023_show_the_video_of_another(place: Meeting) -> None:
    """The guide waits in a function that is not async, and names the event of today in its text
    but the former one in its program."""
    tina = await place.guest("tina", color=RED)
    call = await (await beta_user(place, "Anna")).join()
    await seen_by(call)
    remote_video_stream = call.remote_participants[0].video_streams[0]
    assert isinstance(remote_video_stream, legacy.RemoteVideoStream)
    stream_type: MediaStreamType = remote_video_stream.type
    assert stream_type == "Video"
    assert isinstance(remote_video_stream.id, int)

    renderer = legacy.Renderer(remote_video_stream)
    html_element: list[Any] = []
    changes: list[bool] = []

    async def display_video() -> None:
        view = await renderer.create_view()
        html_element.append(view.target)

    async def availability_changed() -> None:
        changes.append(remote_video_stream.is_available)
        if remote_video_stream.is_available:
            await display_video()
        else:
            renderer.dispose()

    remote_video_stream.on("availabilityChanged", availability_changed)
    if remote_video_stream.is_available:
        await display_video()
    await shows(html_element[0], RED)
    size = remote_video_stream.size
    assert (size.width, size.height) == (160, 96)

    (publication,) = tina.localParticipant.videoTracks.values()
    publication.track.disable()
    await until(lambda: changes == [False])
    with pytest.raises(InvalidStateError) as twice:
        renderer.dispose()
    assert (twice.value.code, twice.value.sub_code) == (400, 43210)
    with pytest.raises(InvalidStateError):
        await renderer.create_view()


@pytest.mark.feature("RENDER-019", "RENDER-022", "RENDER-023")
async def test_render_019_render_023_scaled_and_mirrored_views(place: Meeting) -> None:
    """The guide says that mirrored pictures stand on their heads; left and right change places."""
    tina = await place.guest("tina", video={"source": "program"}, audio=False)
    call = await (await beta_user(place, "Anna")).join()
    (participant,) = await seen_by(call)
    await until(lambda: participant.video_streams)
    renderer = legacy.Renderer(participant.video_streams[0])
    scaling_mode, mirrored = "Fit", True
    renderer_view: legacy.RendererView = await renderer.create_view(
        legacy.RendererOptions(scaling_mode, mirrored)
    )
    document: list[Any] = [renderer_view.target]
    halves = np.zeros((96, 160, 3), np.uint8)
    halves[:, :80], halves[:, 80:] = RED, GREEN
    (publication,) = tina.localParticipant.videoTracks.values()

    def is_shown() -> bool:
        publication.track.write(halves)
        return not document[0].is_blank

    await until(is_shown)
    picture = document[0].image
    assert picture[48, 30, 1] > picture[48, 30, 0]
    assert picture[48, 130, 0] > picture[48, 130, 1]
    assert (renderer_view.scaling_mode, renderer_view.mirrored) == ("Fit", True)
    await renderer_view.update_scaling_mode("Crop")
    assert renderer_view.scaling_mode == "Crop"
    with pytest.raises(InvalidArgumentError) as wrong:
        await renderer_view.update_scaling_mode("Zoom")
    assert (wrong.value.code, wrong.value.sub_code) == (400, 43216)
    renderer.dispose()


async def devices(place: Meeting, policy: PermissionPolicy | None = None) -> legacy.DeviceManager:
    """The devices of a client of 2020, with a camera and two microphones of the program."""
    options = {} if policy is None else {"permissions": policy}
    person = await beta_user(place, "Anna", **options)
    manager = await person.client.get_device_manager()
    assert isinstance(manager, legacy.DeviceManager)
    manager.add_virtual_camera("camera", lambda: pattern(BLUE))
    for name in ("desk", "headset"):
        manager.add_virtual_microphone(name, ToneSource)
    return manager


@pytest.mark.feature("LEGACY-002", "LEGACY-003", "LEGACY-004")
async def test_legacy_002_to_004_lists_of_devices(place: Meeting) -> None:
    """The lists were there at once; today they are awaited."""
    device_manager = await devices(place)
    local_cameras = device_manager.get_camera_list()
    local_microphones = device_manager.get_microphone_list()
    local_speakers = device_manager.get_speaker_list()
    assert [item.name for item in local_cameras][-1:] == ["camera"]
    assert [item.name for item in local_microphones][-2:] == ["desk", "headset"]
    assert local_cameras == await device_manager.get_cameras()
    assert local_microphones == await device_manager.get_microphones()
    assert local_speakers == await device_manager.get_speakers()


@pytest.mark.feature("LEGACY-011", "LEGACY-012", "LEGACY-013", "LEGACY-014")
async def test_legacy_011_to_014_default_microphone_and_speaker() -> None:
    """The guide passes the class of devices; it takes one of the listed ones."""
    listed = [
        DeviceDescription(f"{kind} {number}", f"{kind}{number}", kind, number == 1, "alsa")
        for kind in (DeviceKind.MICROPHONE, DeviceKind.SPEAKER)
        for number in (1, 2)
    ]
    device_manager = legacy.DeviceManager(enumerate_devices=lambda: listed)
    await device_manager.refresh()
    default_microphone = device_manager.get_microphone()
    default_speaker = device_manager.get_speaker()
    microphones, speakers = device_manager.get_microphone_list(), device_manager.get_speaker_list()
    assert (default_microphone, default_speaker) == (microphones[0], speakers[0])

    await device_manager.set_microphone(microphones[1])
    await device_manager.set_speaker(speakers[1])
    assert device_manager.get_microphone() == microphones[1]
    assert device_manager.get_speaker() == speakers[1]


@pytest.mark.feature("RENDER-024", "LEGACY-002", "LEGACY-009")
async def test_render_024_preview_our_camera(beta_pair: Pair) -> None:
    device_manager = await beta_pair.anna.client.get_device_manager()
    assert isinstance(device_manager, legacy.DeviceManager)
    device_manager.add_virtual_camera("camera", lambda: pattern(BLUE))
    local_video_device = device_manager.get_camera_list()[-1]
    local_camera_stream = LocalVideoStream(local_video_device)
    renderer = legacy.Renderer(local_camera_stream)
    view = await renderer.create_view()
    await shows(view.target, BLUE)
    assert beta_pair.seen_anna.video_streams == ()
    await renderer.aclose()
    await local_camera_stream.dispose()


@pytest.mark.feature("PERM-003", "LEGACY-015")
async def test_perm_003_legacy_015_permission_to_capture(place: Meeting) -> None:
    """The guide names the arguments as only other languages do."""
    device_manager = await devices(place, PermissionPolicy(audio=True, video=False))
    result = await device_manager.ask_device_permission(True, True)
    assert result.audio is True
    assert result.video is False

    assert await device_manager.get_permission_state("Microphone") == "Granted"
    assert await device_manager.get_permission_state("Camera") == "Denied"
    assert {str(state) for state in legacy.PermissionState} == {
        "Granted",
        "Denied",
        "Prompt",
        "Unknown",
    }
