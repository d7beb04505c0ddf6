"""Mutes itself as a browser program does, track by track."""

import twilio_video as Video  # noqa: N812


async def main(token, name, over):
    async with await Video.connect(
        token, name=name, audio={"source": "tone", "frequency": 660.0}, video={"source": "pattern"}
    ) as room:
        for publication in room.localParticipant.audioTracks.values():
            publication.track.disable()
        print("muted", flush=True)
        await over.wait()
