"""Both ends at once: glare, any script of changes, and aiortc as the other end."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.rtc.sdp import (
    Direction,
    parse,
)
from acs_core.service.sfu.negotiation import (
    GlareError,
    Layer,
    SsrcChanged,
    SsrcPolicy,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
)
from tests.support.negotiations import (
    CHROMIUM,
    CLIENT,
    Ledger,
    add,
    edited,
    exchange,
    local,
    offer_of,
    only,
    publisher,
    service,
    subscriber,
)


def _published_on(text: str, mid: str) -> str:
    """The client's next offer, with a track of its own on a section of ours."""
    return edited(
        text,
        lambda s: replace(s, direction=Direction.SENDRECV, ssrcs=(77,), msid=("-", "t")),
        mid,
    )


@pytest.mark.parametrize("policy", SsrcPolicy)
def test_a_rolled_back_section_gets_another_ssrc_where_the_client_needs_it(
    policy: SsrcPolicy,
) -> None:
    negotiation, client = service(policy, always_receive=True), subscriber()
    add(negotiation, "v")
    answer, changes = exchange(negotiation, client)
    first = only(changes, StreamAccepted)[0]
    client_offer = _published_on(offer_of(answer.answer), "s0")
    add(negotiation, "w")
    offer = negotiation.create_offer(local)
    with pytest.raises(GlareError):
        negotiation.accept_offer(client_offer, local)
    negotiation.accept_answer(client.accept_offer(offer, CLIENT).answer)
    assert negotiation.needs_offer is (policy is SsrcPolicy.FRESH)
    if policy is SsrcPolicy.FRESH:
        changed = exchange(negotiation, client)[1]
        assert [type(change) for change in changed] == [SsrcChanged]
        assert isinstance(changed[0], SsrcChanged)
        assert (changed[0].key, changed[0].mid) == ("v", "s0")
        assert changed[0].ssrc != first.ssrc


def test_a_dropped_offer_elsewhere_changes_no_ssrc() -> None:
    negotiation = service(always_receive=True)
    negotiation.accept_offer(CHROMIUM, local)
    add(negotiation, "v")
    negotiation.create_offer(local)
    with pytest.raises(GlareError):
        negotiation.accept_offer(CHROMIUM, local)
    assert not negotiation.needs_offer


# -------------------------------------------------------------------------------- scripts

steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "offer", "data"]), st.integers(0, 5)), max_size=25
)


@settings(deadline=None)
@given(steps, st.sampled_from(SsrcPolicy))
def test_every_script_of_subscriptions_ends_accepted(
    script: list[tuple[str, int]], policy: SsrcPolicy
) -> None:
    negotiation, client, ledger = service(policy), subscriber(), Ledger()
    wanted: dict[str, str] = {}
    accepted: dict[str, StreamAccepted] = {}
    ssrcs: dict[str, list[int]] = {}
    keys = itertools.count()

    def negotiate() -> None:
        offer = negotiation.create_offer(local)
        ledger.check(offer)
        answer = client.accept_offer(offer, CLIENT)
        ledger.check(answer.answer)
        for change in negotiation.accept_answer(answer.answer):
            if isinstance(change, StreamAccepted):
                accepted[change.key] = change
        for section in answer.sections:
            if section.is_active and section.ssrc is not None:
                history = ssrcs.setdefault(section.mid, [])
                if history[-1:] != [section.ssrc]:
                    history.append(section.ssrc)

    for step, number in script:
        if step == "add":
            key, kind = f"k{next(keys)}", ["audio", "video"][number % 2]
            wanted[key] = kind
            add(negotiation, key, kind)
        elif step == "remove" and wanted:
            key = list(wanted)[number % len(wanted)]
            del wanted[key]
            negotiation.remove_stream(key)
        elif step == "data":
            negotiation.want_data()
        elif step == "offer" and negotiation.needs_offer:
            negotiate()
    for _ in range(2):
        if negotiation.needs_offer:
            negotiate()
    assert not negotiation.needs_offer
    assert set(wanted) <= set(accepted)
    for history in ssrcs.values():
        assert len(history) == len(set(history))
        assert len(history) == 1 or policy is SsrcPolicy.FRESH


@settings(deadline=None)
@given(steps)
def test_every_script_of_publications_ends_received(script: list[tuple[str, int]]) -> None:
    negotiation, client, ledger = service(), publisher(), Ledger()
    wanted: dict[str, str] = {}
    received: dict[str, StreamReceived] = {}
    keys = itertools.count()

    def negotiate() -> None:
        offer = client.create_offer(CLIENT)
        ledger.check(offer)
        accepted = negotiation.accept_offer(offer, local)
        ledger.check(accepted.answer)
        for change in accepted.changes:
            if isinstance(change, StreamReceived):
                received[change.mid] = change
            elif isinstance(change, StreamEnded):
                del received[change.mid]
        answer = client.accept_answer(accepted.answer)
        assert answer.refused == ()
        for stream in answer.streams:
            assert received[stream.mid].layers == (Layer(None, stream.ssrc, stream.rtx_ssrc),)
            assert received[stream.mid].codecs[stream.codec.payload_type] == stream.codec.key
            assert received[stream.mid].extensions == stream.extensions

    for step, number in script:
        if step == "add":
            key, kind = f"k{next(keys)}", ["audio", "video"][number % 2]
            wanted[key] = kind
            client.add_stream(key, kind, stream_id="s", track_id=key)
        elif step == "remove" and wanted:
            key = list(wanted)[number % len(wanted)]
            del wanted[key]
            client.remove_stream(key)
        elif step == "data":
            client.want_data()
        elif step == "offer" and client.needs_offer:
            negotiate()
    if client.needs_offer:
        negotiate()
    assert not client.needs_offer
    assert not negotiation.needs_offer
    assert {stream.track_id for stream in received.values()} == set(wanted)


# ---------------------------------------------------------------------------------- aiortc


async def test_aiortc_takes_our_answer() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    negotiation = service(SsrcPolicy.KEEP)
    try:
        peer.addTransceiver("audio", direction="sendonly")
        peer.addTransceiver("video", direction="sendonly")
        peer.createDataChannel("chat")
        offer = await peer.createOffer()
        await peer.setLocalDescription(offer)
        accepted = negotiation.accept_offer(peer.localDescription.sdp, local)
        await peer.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
        assert peer.signalingState == "stable"
        assert len(only(accepted.changes, StreamReceived)) == 2
        assert parse(peer.remoteDescription.sdp).ice_lite
    finally:
        await peer.close()


async def test_aiortc_takes_our_offers() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    negotiation = service(SsrcPolicy.KEEP)
    try:
        for key, kind in (("a", "audio"), ("v", "video"), ("w", "video")):
            add(negotiation, key, kind)
            negotiation.want_data()
            offer = RTCSessionDescription(negotiation.create_offer(local), "offer")
            await peer.setRemoteDescription(offer)
            answer = await peer.createAnswer()
            changes = negotiation.accept_answer(answer.sdp)
            await peer.setLocalDescription(answer)
            assert [stream.key for stream in only(changes, StreamAccepted)] == [key]
    finally:
        await peer.close()
