"""Real-time text, through raw messages to a real service."""

from __future__ import annotations

from acs_core import wire
from acs_core.service.app import embedded
from tests.support.service_client import group, raw_client


async def test_a_text_goes_to_everybody_but_its_writer_and_a_long_one_to_nobody() -> None:
    place = group()
    async with embedded() as service, raw_client(service) as ann, raw_client(service) as bob:
        ends = []
        for client in (ann, bob):
            await client.hello()
            endpoint, joined = await client.join(place)
            assert isinstance(joined, wire.Joined), joined
            ends.append(endpoint)
        for text in ("x" * 2001, "Hello"):
            request = wire.SendRealTimeText(endpoint=ends[0], sequence=7, text=text, is_final=True)
            answer = await ann.ask(request)
            if len(text) > 2000:
                assert isinstance(answer, wire.Failed)
                assert (answer.code, answer.sub_code) == (400, 46552)
        assert isinstance(answer, wire.Answered)
        heard = await bob.news(wire.RealTimeText)
        assert (heard.endpoint, heard.sender) == (ends[1], ends[0])
        assert (heard.sequence, heard.text, heard.is_final) == (7, "Hello", True)
