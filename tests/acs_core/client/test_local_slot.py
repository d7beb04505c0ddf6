"""Streams whose source is switched while their publication comes or goes."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from acs_core import (
    GroupCallLocator,
    JoinCallOptions,
    LocalVideoStream,
    TransportError,
    VideoOptions,
)
from acs_core.client.session_model import SessionState
from acs_core.media.sources import PatternSource
from acs_core.models import VideoDeviceInfo, VideoDeviceType
from tests.support.calls import agent, joined, settle
from tests.support.events import until
from tests.support.fake_session import FakeLink


def camera(label: str) -> VideoDeviceInfo:
    return VideoDeviceInfo(label, label, VideoDeviceType.VIRTUAL, lambda: PatternSource(96, 48, 5))


async def test_a_source_switched_while_the_call_connects_is_sent() -> None:
    link = FakeLink(lambda session: setattr(session, "gate", asyncio.Event()))
    async with agent(link) as the_agent:
        stream = LocalVideoStream(camera("a"))
        options = JoinCallOptions(VideoOptions((stream,)), streams=())
        call = the_agent.join(GroupCallLocator(str(uuid.uuid4())), options)
        await until(lambda: link.sessions and link.sessions[0].state is SessionState.JOINING)
        await stream.switch_source(camera("b"))
        gate = link.sessions[0].gate
        assert gate is not None
        gate.set()
        await call.connected()
        (sent,) = link.sessions[0].streams.values()
        await until(lambda: sent.source is stream.media_source)
        await stream.dispose()


async def test_a_source_switched_while_it_is_published_is_sent() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        session.publish_gate = asyncio.Event()
        stream = LocalVideoStream(camera("a"))
        starting = asyncio.create_task(call.start_video(stream))
        await until(lambda: session.is_publishing)
        await stream.switch_source(camera("b"))
        session.publish_gate.set()
        await starting
        (sent,) = session.streams.values()
        await until(lambda: sent.source is stream.media_source)
        await stream.dispose()


async def test_a_source_switched_while_a_stop_fails_is_sent() -> None:
    async with joined(JoinCallOptions(streams=())) as (call, session):
        stream = LocalVideoStream(camera("a"))
        await call.start_video(stream)
        (sent,) = session.streams.values()
        session.unpublish_gate = asyncio.Event()
        session.unpublish_error = TransportError("gone")
        stopping = asyncio.create_task(call.stop_video(stream))
        await settle()
        await stream.switch_source(camera("b"))
        session.unpublish_gate.set()
        with pytest.raises(TransportError):
            await stopping
        await until(lambda: sent.source is stream.media_source)
        await stream.dispose()
