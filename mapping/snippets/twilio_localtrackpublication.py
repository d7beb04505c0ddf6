"""What we offer: its priority, and withdrawing it."""

from twilio_compat import connect


async def main(alice: str) -> None:
    room = await connect(alice, name="daily", audio=False, video={"source": "pattern"})
    (publication,) = room.local_participant.video_tracks.values()
    print(publication.kind, publication.priority)
    publication.set_priority("high")
    print(publication.priority)
    publication.track.stop()
    publication.unpublish()
    print(len(room.local_participant.tracks))
    room.disconnect()
    await room.closed()
