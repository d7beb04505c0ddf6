"""What one client does wrong disturbs nobody else."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core import wire
from acs_core.client.session import NewStream
from acs_core.core.facts import EndpointLeft, PublicationKind
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.service.app import CallingService, embedded
from acs_core.service.sessions import SessionTimes
from acs_core.service.settings import ServiceSettings
from tests.support.events import until
from tests.support.media_checks import RED, watch
from tests.support.service_client import Participant, group, participant, raw_client

QUICK = SessionTimes(acs_window=0.5, messages_per_second=100_000)


@asynccontextmanager
async def call_with_picture() -> AsyncIterator[tuple[CallingService, wire.Locator, Participant]]:
    """A call in which somebody watches; no packet was lost when the block ends."""
    place = group()
    chosen = ServiceSettings(dev=True, port=0, media_port=0, times=QUICK)
    camera = NewStream(PublicationKind.VIDEO, PatternSource(160, 90, 20, color=RED), name="v")
    async with (
        embedded(chosen) as service,
        participant(service, place, [camera]) as sender,
        participant(service, place) as viewer,
    ):
        await viewer.until(lambda: viewer.subscribed)
        receiver = viewer.session.receiver(viewer.subscribed[0])
        assert receiver is not None
        frames = receiver.frames("queue", maximum=1000)
        await watch(frames, count=1)  # type: ignore[arg-type]
        yield service, place, viewer
        _, counters = await watch(frames, count=10)  # type: ignore[arg-type]
        # The camera shares this process and may skip a picture; the network loses none.
        assert counters == sorted(set(counters))
        assert frames.dropped == 0
        assert receiver.stats(asyncio.get_running_loop().time()).packets_lost == 0
        frames.close()
        assert len(viewer.states) == len(sender.states) == 2


async def test_a_killed_client_is_removed_after_its_window_and_disturbs_nobody() -> None:
    async with call_with_picture() as (service, place, viewer), AsyncExitStack() as stack:
        token = service.issue_user_token()[1].token
        victim = Participant(service.url, token, place)
        stack.push_async_callback(victim.close)
        await victim.join([NewStream(PublicationKind.AUDIO, ToneSource(440.0), name="a")])
        await viewer.until(lambda: len(viewer.subscribed) == 2)
        # As if the process had died: no goodbye on either connection, and nothing comes back.
        carrier = victim.connection._socket
        assert carrier is not None
        assert carrier._response.connection is not None
        assert carrier._response.connection.transport is not None
        carrier._response.connection.transport.abort()
        assert victim.connection._task is not None
        victim.connection._task.cancel()
        await asyncio.wait({victim.connection._task})
        await viewer.until(
            lambda: any(
                isinstance(f, EndpointLeft) and f.endpoint == victim.session.id
                for f in viewer.facts
            )
        )
        assert service.sessions == 2


async def test_a_peer_that_sprays_garbage_at_the_media_port_disturbs_nobody() -> None:
    source = random.Random(11)
    async with call_with_picture() as (service, _, _):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gun:
            gun.setblocking(False)
            target = ("127.0.0.1", service.media_port)
            for _ in range(40):
                for _ in range(50):
                    first = source.choice((0, 1, 3, 20, 22, 63, 64, 128, 144, 191, 192, 255))
                    size = source.choice((0, 1, 11, 12, 20, 100, 1400, 4000))
                    gun.sendto(bytes([first]) + os.urandom(size), target)
                await asyncio.sleep(0)
        counters = service.engine.port.counters
        await until(lambda: sum(counters.values()) > 500)
        # The pictures still arrive: `call_with_picture` looks at its end.
        assert service.sessions == 2


BROKEN = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            [
                "v=0",
                "o=- 1 1 IN IP4 127.0.0.1",
                "s=-",
                "t=0 0",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                "a=mid:0",
                "a=mid:" + "x" * 300,
                "a=rtpmap:111 opus/48000/2",
                "a=rtpmap:111 opus/0",
                "a=rtpmap:96 VP8/90000",
                "a=rtpmap:97 rtx/90000",
                "a=fmtp:97 apt=97",
                "a=ssrc:99999999999 cname:x",
                "a=ssrc:1 cname:x",
                "a=ice-ufrag:abcd",
                "a=ice-pwd:abcdefghijklmnopqrstuvwx",
                "a=fingerprint:sha-256 00:11",
                "a=setup:actpass",
                "a=setup:passive",
                "a=sendonly",
                "a=sctp-port:99999",
                "a=group:BUNDLE 0 0 1",
                "a=extmap:0 urn:x",
                "a=rtcp-mux",
                "a=msid:- a",
                "\x00",
            ]
        ),
        max_size=40,
    ).map("\r\n".join),
)


async def test_malformed_descriptions_are_refused_and_disturb_nobody() -> None:
    async with call_with_picture() as (service, place, _), raw_client(service) as client:
        await client.hello()
        endpoint, joined = await client.join(place)
        assert isinstance(joined, wire.Joined)
        for number, text in enumerate(_examples(60)):
            body = wire.Publish(endpoint=endpoint, connection=number % 5, offer=text)
            answer = await client.ask(body)
            assert isinstance(answer, wire.Failed | wire.Published)
            assert getattr(answer, "code", 0) != 500, text
            for request in (
                wire.Answer(endpoint=endpoint, connection=1, revision=1, sdp=text),
                wire.Renegotiate(endpoint=endpoint, connection=number),
                wire.Unpublish(endpoint=endpoint, keys=(text,)),
            ):
                answer = await client.ask(request)
                assert getattr(answer, "code", 0) != 500, (request, text)
        assert isinstance(await client.ask(wire.Leave(endpoint=endpoint)), wire.Answered)
        # The two connections of the watcher and the sender are left.
        await until(lambda: len(service.engine.transports) == 2)


def _examples(count: int) -> list[str]:
    found: list[str] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(BROKEN)
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


async def test_a_quoted_message_without_an_end_does_not_stall_the_service() -> None:
    # A check for depth that takes quadratic time would hold the loop for minutes.
    async with call_with_picture() as (service, _, _), raw_client(service) as client:
        await client.hello()
        await client.socket.send_str('"' + '\\"' * 120_000)
        assert await client.hear_close() == wire.CloseCode.MALFORMED


async def test_somebody_who_joins_and_goes_a_hundred_times_a_second_disturbs_nobody() -> None:
    async with call_with_picture() as (service, place, viewer), raw_client(service) as client:
        await client.hello()
        for _ in range(100):
            endpoint, joined = await client.join(place)
            assert isinstance(joined, wire.Joined)
            await client.ask(wire.Leave(endpoint=endpoint))
            await client.say(wire.Ping(received=client.deliveries[-1].seq))
        await viewer.until(lambda: sum(isinstance(f, EndpointLeft) for f in viewer.facts) == 100)
        await until(lambda: len(service.engine.transports) == 2)
        revisions = viewer.session.roster.revision
        assert revisions == next(iter(service.calls.live.values())).roster.revision
