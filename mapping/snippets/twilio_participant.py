"""Maps by SID: in Python, iterating one gives its SIDs, as iterating a dict does."""

import asyncio

from twilio_compat import connect


async def main(alice: str, bob: str) -> None:
    first = await connect(alice, name="daily", audio={"source": "tone"}, video=False)
    room = await connect(bob, name="daily", audio=False, video=False)
    for sid, participant in room.participants.items():
        is_first = "true" if sid == first.local_participant.sid else "false"
        counts = len(participant.audio_tracks), len(participant.video_tracks)
        print(participant.identity, is_first, *counts)
    room.disconnect()
    first.disconnect()
    await asyncio.gather(room.closed(), first.closed())
