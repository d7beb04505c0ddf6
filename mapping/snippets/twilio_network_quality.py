"""How good the network is: 0 to 5, and with more verbosity what that is made of."""

import asyncio

from twilio_compat import NetworkQualityStats, connect


async def main(alice: str) -> None:
    loop = asyncio.get_running_loop()
    measured: asyncio.Future[tuple[int, NetworkQualityStats]] = loop.create_future()

    def changed(level: int, stats: NetworkQualityStats) -> None:
        measured.set_result((level, stats))

    room = await connect(
        alice,
        name="daily",
        audio={"source": "tone"},
        video=False,
        network_quality={"local": 2, "remote": 1},
    )
    me = room.local_participant
    me.once("networkQualityLevelChanged", changed)
    level, stats = await measured
    facts = 0 <= level <= 5, stats.level == level, level == me.network_quality_level
    print(*("true" if fact else "false" for fact in facts))
    room.disconnect()
    await room.closed()
