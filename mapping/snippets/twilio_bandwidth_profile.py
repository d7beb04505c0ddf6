"""Say which videos matter when the downlink is narrow; here it may change during the call, too."""

from twilio_compat import connect


async def main(alice: str) -> None:
    room = await connect(
        alice,
        name="daily",
        audio=False,
        video=False,
        bandwidth_profile={
            "video": {
                "mode": "grid",
                "max_subscription_bitrate": 2_500_000,
                "dominant_speaker_priority": "high",
            }
        },
    )
    print(room.state)
    room.local_participant.set_bandwidth_profile({"video": {"mode": "presentation"}})
    room.disconnect()
    await room.closed()
