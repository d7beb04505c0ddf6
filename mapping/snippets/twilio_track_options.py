"""Options of making a track, and of publishing it."""

from twilio_compat import connect, create_local_video_track


async def main(alice: str) -> None:
    camera = await create_local_video_track(name="camera", width=640, source="pattern")
    room = await connect(alice, name="daily", audio=False, video=False)
    publication = await room.local_participant.publish_track(camera, priority="low")
    print(publication.track_name, publication.priority)
    camera.stop()
    room.disconnect()
    await room.closed()
