"""One call, both personalities: a Twilio-style and an ACS-style participant meet."""

from __future__ import annotations

import pytest

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallState,
    Features,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    RoomCallLocator,
    VideoOptions,
    VideoStreamRenderer,
)
from acs_core.media.sources import PatternSource, ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, is_color, listen, watch
from twilio_compat import LocalDataTrack, connect
from twilio_compat.server import embedded


@pytest.mark.feature("IDENT-001", "PARTICIPANT-009", "PARTICIPANT-015", "VIDEO-009", "RENDER-009")
async def test_a_twilio_and_an_acs_participant_see_hear_mute_and_message_each_other() -> None:
    async with embedded() as server:
        room = await connect(
            server.access_token("tina"),
            name="story",
            audio={"source": "tone", "frequency": 440.0},
            video={"source": "pattern", "color": RED},
            service_url=server.url,
        )
        _, token = server.issue_user_token()
        options = CallClientOptions(service_url=server.url)
        async with CallClient(options) as client:
            agent = await client.create_call_agent(
                AzureCommunicationTokenCredential(token.token), CallAgentOptions("Anton")
            )
            arrived = next_event(room, "participantConnected")
            call = agent.join(
                RoomCallLocator("story"),
                JoinCallOptions(
                    video_options=VideoOptions((LocalVideoStream(PatternSource(color=BLUE)),)),
                    audio_options=AudioOptions(
                        local_audio_streams=(LocalAudioStream(ToneSource(880.0)),)
                    ),
                ),
            )
            await call.connected()
            (anton,) = await arrived
            assert anton.identity == "Anton"
            (tina,) = call.remote_participants
            assert tina.display_name == "tina"
            assert (await call.info.get_server_call_id()) == room.sid.removeprefix("RM")

            # They see and hear each other.
            await until(
                lambda: (
                    len(anton.tracks) == 2
                    and all(publication.track for publication in anton.tracks.values())
                )
            )
            (video,) = anton.video_tracks.values()
            color, counters = await watch(video.track.frames())
            assert is_color(color, BLUE)
            assert counters == sorted(set(counters))
            (audio,) = anton.audio_tracks.values()
            assert await listen(audio.track.frames()) == pytest.approx(880, abs=60)

            await until(lambda: tina.video_streams and tina.video_streams[0].is_available)
            renderer = VideoStreamRenderer(tina.video_streams[0])
            view = await renderer.create_view()
            await until(lambda: not view.target.is_blank)
            frames = tina.video_streams[0].frames()
            color, _ = await watch(frames)
            frames.close()
            assert is_color(color, RED)
            assert await listen(tina.audio_frames()) == pytest.approx(440, abs=60)
            renderer.dispose()

            # They mute.
            disabled = next_event(room, "trackDisabled")
            await call.mute()
            publication, who = await disabled
            assert (publication.kind, publication.is_track_enabled, who) == ("audio", False, anton)
            assert not tina.is_muted
            for local in room.local_participant.audio_tracks.values():
                local.track.disable()
            await until(lambda: tina.is_muted)

            # They message.
            track = LocalDataTrack(name="42")
            await room.local_participant.publish_track(track)
            channels = call.feature(Features.DATA_CHANNEL)
            await until(lambda: channels.receivers)
            (receiver,) = channels.receivers
            received = next_event(receiver, "messageReady")
            track.send(b"from tina")
            await received
            message = receiver.read_message()
            assert message is not None
            assert message.data == b"from tina"

            # They leave.
            left = next_event(room, "participantDisconnected")
            await call.hang_up()
            assert call.state is CallState.DISCONNECTED
            assert (await left)[0] is anton
        room.disconnect()
        await room.closed()
