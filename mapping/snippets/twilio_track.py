"""A track has a name and a kind, and lives without a room."""

from twilio_compat import LocalDataTrack, create_local_video_track


async def main() -> None:
    camera = await create_local_video_track(name="camera", source="pattern")
    chat = LocalDataTrack(name="chat")
    print(", ".join(f"{track.name}: {track.kind}" for track in (camera, chat)))
    facts = camera.is_enabled, camera.is_stopped
    print(*("true" if fact else "false" for fact in facts))
    camera.stop()
    print("true" if camera.is_stopped else "false")
