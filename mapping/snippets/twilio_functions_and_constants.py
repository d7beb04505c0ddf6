"""Make tracks before there is a room, and enter it with them."""

from twilio_compat import LocalDataTrack, connect, create_local_tracks, is_supported


async def main(alice: str) -> None:
    print("true" if is_supported else "false")
    tracks = await create_local_tracks(
        audio={"source": "tone"}, video={"source": "pattern", "width": 640}
    )
    print(" and ".join(sorted(track.kind for track in tracks)))
    room = await connect(alice, name="daily", tracks=tracks)
    print(len(room.local_participant.tracks))
    for track in tracks:
        if not isinstance(track, LocalDataTrack):
            track.stop()
    room.disconnect()
    await room.closed()
