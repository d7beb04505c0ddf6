"""The Insights socket: what the SDK tells arrives, and its socket stays open."""

from __future__ import annotations

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.trace import Frame
from tests.interop.values import microphone
from tests.support.events import until

PATH = "/v1/VideoEvents"


def told(page: Page, direction: str) -> list[Frame]:
    """What went over the Insights sockets of a page in one direction."""
    return [item for item in page.trace.frames if (item.path, item.direction) == (PATH, direction)]


async def test_what_the_sdk_tells_is_taken(stage: Stage) -> None:
    page = await stage.joined("alice", media=(microphone(440),))
    await until(lambda: told(page, ">"))
    answer = told(page, ">")[0].message
    assert answer["type"] == "connected"
    assert answer["session"]
    await until(lambda: len(told(page, "<")) > 4)
    greeting, event, *_ = (frame.message for frame in told(page, "<"))
    assert greeting["type"] == "connect"
    assert greeting["publisher"]["participantSid"] == page.sid
    assert (event["type"], event["session"]) == ("event", answer["session"])
    # It was not sent away, so it had no reason to try again.
    assert len(told(page, "o")) == 1
    assert not told(page, "x")


async def test_a_page_may_do_without(stage: Stage) -> None:
    page = await stage.joined("alice", insights=False)
    assert not told(page, "o")
