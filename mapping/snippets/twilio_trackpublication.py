"""A publication is the same thing on both sides, and tells of muting."""

import asyncio

from twilio_compat import connect


async def main(alice: str, bob: str) -> None:
    first = await connect(alice, name="daily", audio={"source": "tone"}, video=False)
    room = await connect(bob, name="daily", audio=False, video=False)
    (ours,) = first.local_participant.audio_tracks.values()
    (participant,) = room.participants.values()
    (theirs,) = participant.tracks.values()
    same = ours.track_sid == theirs.track_sid, ours.track_name == theirs.track_name
    print(*("true" if fact else "false" for fact in same))

    muted = asyncio.Event()
    theirs.once("trackDisabled", muted.set)
    ours.track.disable()
    await muted.wait()
    print("true" if theirs.is_track_enabled else "false")
    room.disconnect()
    first.disconnect()
    await asyncio.gather(room.closed(), first.closed())
