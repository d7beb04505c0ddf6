"""Text that is read while it is typed, over the real service."""

from __future__ import annotations

from acs_core import Features, RealTimeTextInfo
from tests.support.events import until
from tests.support.people import meeting, seen_by


async def test_everybody_else_reads_along_and_knows_who_writes() -> None:
    async with meeting() as place:
        ann, bob, eve = [await place.user(name) for name in ("Ann", "Bob", "Eve")]
        calls = [await user.join() for user in (ann, bob, eve)]
        for call in calls:
            await seen_by(call, 2)
        read: list[list[RealTimeTextInfo]] = [[], [], []]
        for call, texts in zip(calls, read, strict=True):
            call.feature(Features.REAL_TIME_TEXT).on("realTimeTextReceived", texts.append)
        writer = calls[0].feature(Features.REAL_TIME_TEXT)
        for text in ("H", "He", "Hello"):
            await writer.send_real_time_text(text)
        await writer.send_real_time_text("Hello!", finalized=True)
        await until(lambda: all(len(texts) == 4 for texts in read))
        for texts in read:
            assert [item.text for item in texts] == ["H", "He", "Hello", "Hello!"]
            assert [item.result_type for item in texts] == ["Partial"] * 3 + ["Final"]
            assert {item.sequence_id for item in texts} == {1}
            assert {item.sender.identifier.raw_id for item in texts} == {ann.raw_id}
        assert [{item.is_local for item in texts} for texts in read] == [{True}, {False}, {False}]
