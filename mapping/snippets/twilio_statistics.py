"""Measurements of every track that is sent and received."""

from twilio_compat import connect


async def main(alice: str) -> None:
    room = await connect(alice, name="daily", audio={"source": "tone"}, video=False)
    (publication,) = room.local_participant.audio_tracks.values()
    (report,) = await room.get_stats()
    (audio,) = report.local_audio_track_stats
    is_ours = audio.track_sid == publication.track_sid
    print("true" if is_ours else "false")
    print(len(report.remote_video_track_stats))
    room.disconnect()
    await room.closed()
