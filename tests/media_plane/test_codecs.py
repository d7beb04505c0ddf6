"""Which codec a Python client sends is its choice, and arrives at another one."""

from __future__ import annotations

from acs_core.media.sender import SendOptions
from acs_core.media.sources import PatternSource
from acs_core.service.app import CallingService
from tests.support.media_checks import GREEN, is_color, watch
from tests.support.service_client import group, participant
from tests.support.session_clients import received, receiver_stats, stream


async def test_h264_carries_pictures_between_two_clients(service: CallingService) -> None:
    place = group()
    picture = stream(
        PatternSource(320, 180, 30, color=GREEN), options=SendOptions(codecs=("H264",))
    )
    async with (
        participant(service, place, [picture]),
        participant(service, place) as viewer,
    ):
        receiver = await received(viewer, "video")
        color, counters = await watch(receiver.frames("queue"), count=20)  # type: ignore[arg-type]
        assert is_color(color, GREEN)
        # The camera shares this process and may skip a picture; none comes twice or late.
        assert counters == sorted(set(counters))
        stats = receiver_stats(receiver)
        assert stats.codec_name == "H264"
        assert stats.frames_dropped == 0


async def test_of_two_codecs_the_first_is_sent(service: CallingService) -> None:
    place = group()
    options = SendOptions(codecs=("H264", "VP8"))
    picture = stream(PatternSource(320, 180, 30, color=GREEN), options=options)
    async with (
        participant(service, place, [picture]),
        participant(service, place) as viewer,
    ):
        receiver = await received(viewer, "video")
        await watch(receiver.frames(), count=1)  # type: ignore[arg-type]
        assert receiver_stats(receiver).codec_name == "H264"
