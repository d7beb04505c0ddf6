import asyncio
import threading
import time

import pytest

from acs_core.errors import CallingError, DeadlineError, InvalidStateError, Stage, TransportError
from acs_core.media.peer import PeerSettings, PeerState
from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import PatternSource
from acs_core.media.subscribing import SubscribePeer
from tests.support.events import until
from tests.support.reflector import Reflector


class Watched:
    """A publish connection with a history of its states."""

    def __init__(self, **settings) -> None:
        self.states: list[PeerState] = []
        self.reasons: list[CallingError | None] = []
        self.changed = asyncio.Event()
        self.peer = PublishPeer(settings=PeerSettings(**settings), on_state=self.note)
        self.source = PatternSource(320, 180, 30)
        self.peer.add_stream("one", self.source)

    def note(self, state: PeerState, reason: CallingError | None) -> None:
        self.states.append(state)
        self.reasons.append(reason)
        self.changed.set()

    async def until(self, state: PeerState, timeout: float = 8.0) -> CallingError | None:
        async with asyncio.timeout(timeout):
            while state not in self.states:
                self.changed.clear()
                await self.changed.wait()
        return self.reasons[self.states.index(state)]

    async def connect(self, reflector: Reflector) -> None:
        await self.peer.accept_answer(reflector.offer(await self.peer.create_offer()))

    async def close(self) -> None:
        await self.peer.close()
        await self.source.close()


async def test_a_connection_lives_and_closes_without_leftovers() -> None:
    before = set(threading.enumerate())
    reflector = await Reflector.open()
    watched = Watched()
    assert watched.peer.state is PeerState.NEW
    await watched.connect(reflector)
    await watched.peer.connected(5)
    start = time.monotonic()
    await watched.close()
    await watched.close()
    assert time.monotonic() - start < 2
    assert watched.states == [PeerState.CONNECTING, PeerState.CONNECTED, PeerState.CLOSED]
    assert watched.reasons == [None, None, None]
    with pytest.raises(InvalidStateError):
        await watched.peer.create_offer()
    await reflector.close()
    others = {thread.name.rsplit("_", 1)[0] for thread in set(threading.enumerate()) - before}
    assert others <= {"acs-audio", "acs-video", "asyncio"}


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_who_waits_for_the_close_may_be_canceled_and_all_is_closed(turns: int) -> None:
    reflector = await Reflector.open()
    watched = Watched()
    await watched.connect(reflector)
    await watched.peer.connected(5)
    await until(lambda: watched.source.is_capturing)
    closing = asyncio.create_task(watched.peer.close())
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    await until(lambda: not watched.source.is_capturing, deadline=2)
    assert watched.states[-1] is PeerState.CLOSED
    await watched.close()
    await reflector.close()


async def test_what_is_late_to_close_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reflector = await Reflector.open()
    watched = Watched()
    before = asyncio.all_tasks()
    await watched.connect(reflector)
    await watched.peer.connected(5)
    await until(lambda: watched.source.is_capturing)
    # As on a machine that stands still: its first part does not come to its end.
    never = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(watched.peer, "_opening", never)
    monkeypatch.setattr("acs_core.media.peer.CLOSE_DEADLINE", 0.1)
    await watched.close()
    await until(lambda: asyncio.all_tasks() <= before)
    assert "did not close in time" in caplog.text
    await reflector.close()


async def test_an_idle_connection_is_not_silent() -> None:
    reflector = await Reflector.open()
    watched = Watched(silence=1.8)
    watched.peer.sender("one").enabled = False
    await watched.connect(reflector)
    await watched.peer.connected(5)
    # Longer than the limit: consent checks alone keep it alive.
    with pytest.raises(TimeoutError):
        await watched.until(PeerState.SILENT, timeout=2.5)
    await watched.close()
    await reflector.close()


async def test_a_service_that_vanishes_is_noticed() -> None:
    reflector = await Reflector.open()
    watched = Watched(silence=0.5)
    await watched.connect(reflector)
    await watched.peer.connected(5)
    await reflector.port.close()
    reason = await watched.until(PeerState.SILENT)
    assert isinstance(reason, TransportError)
    assert reason.stage is Stage.ICE
    start = time.monotonic()
    await watched.close()
    assert time.monotonic() - start < 2.1
    await reflector.close()


async def test_a_service_that_closes_is_a_failure() -> None:
    reflector = await Reflector.open()
    watched = Watched()
    await watched.connect(reflector)
    await watched.peer.connected(5)
    await reflector.close()
    reason = await watched.until(PeerState.FAILED)
    assert isinstance(reason, TransportError)
    with pytest.raises(InvalidStateError):
        watched.peer.add_stream("two", watched.source)
    await watched.close()


async def test_who_waits_less_than_the_connection_gets_a_next_step_too() -> None:
    reflector = await Reflector.open()
    watched = Watched(ice_timeout=5.0)
    answer = reflector.offer(await watched.peer.create_offer())
    await reflector.port.close()
    await watched.peer.accept_answer(answer)
    with pytest.raises(DeadlineError, match="still connecting after") as caught:
        await watched.peer.connected(0.05)
    assert "UDP" in caught.value.next_step
    await watched.close()
    await reflector.close()


async def test_nobody_at_the_address_is_a_deadline_with_a_next_step() -> None:
    reflector = await Reflector.open()
    watched = Watched(ice_timeout=0.3)
    answer = reflector.offer(await watched.peer.create_offer())
    await reflector.port.close()
    await watched.peer.accept_answer(answer)
    with pytest.raises(DeadlineError) as caught:
        await watched.peer.connected(5)
    assert caught.value.stage is Stage.ICE
    assert caught.value.next_step
    assert watched.peer.state is PeerState.FAILED
    await watched.close()
    await reflector.close()


async def test_waiting_has_its_own_deadline_and_ends_with_closing() -> None:
    watched = Watched()
    with pytest.raises(DeadlineError):
        await watched.peer.connected(0.01)
    waiting = asyncio.create_task(watched.peer.connected(5))
    await asyncio.sleep(0)
    await watched.close()
    with pytest.raises(InvalidStateError):
        await waiting


async def test_another_certificate_than_announced_is_refused() -> None:
    reflector = await Reflector.open()
    watched = Watched()
    answer = reflector.offer(await watched.peer.create_offer())
    print_ = reflector.publish.endpoint.fingerprint.value
    await watched.peer.accept_answer(answer.replace(print_, print_[-2:] + print_[2:]))
    with pytest.raises(TransportError) as caught:
        await watched.peer.connected(5)
    assert caught.value.stage is Stage.DTLS
    await watched.close()
    await reflector.close()


async def test_a_listener_that_raises_is_contained() -> None:
    def broken(state, reason) -> None:
        raise RuntimeError("broken")

    peer = SubscribePeer(on_state=broken)
    await peer.close()
    assert peer.state is PeerState.CLOSED
