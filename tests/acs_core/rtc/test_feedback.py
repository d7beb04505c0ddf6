from __future__ import annotations

from dataclasses import replace

import aiortc.rtp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc.feedback import (
    MAX_COMPOUND_SIZE,
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
    compact_ntp,
    ntp_time,
    pack_compound,
    parse_compound,
    unix_time,
)

words = st.integers(0, 0xFFFF_FFFF)
blocks = st.builds(
    ReportBlock,
    words,
    st.integers(0, 255),
    st.integers(-0x80_0000, 0x7F_FFFF),
    words,
    words,
    words,
    words,
)
some_blocks = st.lists(blocks, max_size=4).map(tuple)
ssrcs = st.lists(words, max_size=4).map(tuple)


@st.composite
def lost_numbers(draw: st.DrawFn) -> tuple[int, ...]:
    number = draw(st.integers(0, 0xFFFF))
    lost = [number]
    for step in draw(st.lists(st.integers(1, 40), max_size=30)):
        number += step
        lost.append(number & 0xFFFF)
    return tuple(lost)


names = st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore").decode())
packets: st.SearchStrategy[RtcpPacket] = st.one_of(
    st.builds(SenderReport, words, st.integers(0, (1 << 64) - 1), words, words, words, some_blocks),
    st.builds(ReceiverReport, words, some_blocks),
    st.builds(SourceDescription, st.lists(st.tuples(words, names), max_size=3).map(tuple)),
    st.builds(Bye, ssrcs),
    st.builds(Nack, words, words, lost_numbers()),
    st.builds(PictureLossIndication, words, words),
    st.builds(
        FullIntraRequest,
        words,
        st.lists(st.tuples(words, st.integers(0, 255)), max_size=3).map(tuple),
    ),
    st.builds(
        Remb,
        words,
        st.builds(lambda m, e: m << e, st.integers(0, 0x3_FFFF), st.integers(0, 40)),
        ssrcs,
    ),
    st.builds(
        UnknownRtcp,
        st.sampled_from([204, 207, 192]),
        st.integers(0, 31),
        st.integers(0, 5).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n)),
    ),
)


@given(st.lists(packets, min_size=1, max_size=5))
def test_packets_read_back(compound: list[RtcpPacket]) -> None:
    assert parse_compound(pack_compound(compound)) == compound


@given(st.lists(packets, min_size=1, max_size=3))
def test_aiortc_reads_what_we_write(compound: list[RtcpPacket]) -> None:
    # It cannot write a list of lost packets that wraps, and knows no packets of other types.
    ours = [
        replace(p, lost=tuple(sorted(p.lost))) if isinstance(p, Nack) else p
        for p in compound
        if not isinstance(p, UnknownRtcp | SourceDescription)
    ]
    theirs = aiortc.rtp.RtcpPacket.parse(pack_compound(ours))
    assert len(theirs) == len(ours)
    assert b"".join(bytes(p) for p in theirs) == pack_compound(ours)


def test_aiortc_reads_our_names() -> None:
    # One at a time: aiortc does not begin the next chunk at a 32 bit boundary.
    for name in ("m", "me", "odd", "even"):
        (theirs,) = aiortc.rtp.RtcpPacket.parse(pack_compound([SourceDescription(((7, name),))]))
        assert isinstance(theirs, aiortc.rtp.RtcpSdesPacket)
        assert [(c.ssrc, c.items) for c in theirs.chunks] == [(7, [(1, name.encode())])]
        assert parse_compound(bytes(theirs)) == [SourceDescription(((7, name),))]


@given(lost_numbers(), words, words)
def test_we_read_what_aiortc_writes(lost: tuple[int, ...], sender: int, media: int) -> None:
    lost = tuple(sorted(lost))  # aiortc fails to write a list that wraps
    data = bytes(aiortc.rtp.RtcpRtpfbPacket(fmt=1, ssrc=sender, media_ssrc=media, lost=list(lost)))
    data += bytes(
        aiortc.rtp.RtcpPsfbPacket(
            fmt=15, ssrc=sender, media_ssrc=0, fci=aiortc.rtp.pack_remb_fci(1_000_000, [media])
        )
    )
    nack, remb = parse_compound(data)
    assert nack == Nack(sender, media, lost)
    assert isinstance(remb, Remb)
    assert remb.ssrcs == (media,)
    assert remb.bitrate_bps == pytest.approx(1_000_000, rel=1e-5)


@given(st.binary(max_size=120))
@example(b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\x09ab")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        packets = parse_compound(data)
    except MalformedPacketError:
        return
    assert 4 * len(packets) <= len(data)


@given(
    st.integers(0, 31),
    st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]),
    st.booleans(),
    st.integers(0, 12).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n)),
)
def test_any_body_is_read_or_refused(
    count: int, packet_type: int, is_padded: bool, body: bytes
) -> None:
    first = 0x80 | (0x20 if is_padded else 0) | count
    data = bytes((first, packet_type)) + (len(body) // 4).to_bytes(2) + body
    try:
        (packet,) = parse_compound(data)
    except MalformedPacketError:
        return
    assert parse_compound(pack_compound([packet])) == [packet]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80c9",  # no length
        "40c90000",  # version 1
        "80c90001",  # truncated
        "81c9000100000001",  # a report that is not there
        "a0c9000100000000",  # padding of zero
        "a0c9000100000008",  # padding longer than the body
        "a0c9000100000003",  # padding that is no multiple of four
        "a0c90000",  # padding of nothing
        "81ca0000",  # no source
        "81ca000200000001 01096162",  # a name that is cut off
        "81ca000200000001 00000001"[:16],  # no end of items
        "82cb000100000001",
        "81cd000100000001",
        "84ce000300000001 00000000 00000001",  # half an entry
        "8fce000300000001 00000000 52454d42",  # no rate
        "8fce000400000001 00000000 52454d42 01000000",  # a source that is not there
    ],
)
def test_malformed_packet_is_refused(data: str) -> None:
    with pytest.raises(MalformedPacketError):
        parse_compound(bytes.fromhex(data))


def test_endless_datagram_is_refused() -> None:
    pli = pack_compound([PictureLossIndication(1, 2)])
    with pytest.raises(MalformedPacketError):
        parse_compound(pli * (MAX_COMPOUND_SIZE // len(pli) + 1))


def test_padding_is_removed() -> None:
    data = bytes.fromhex("a0c90002 00000007 00000004")
    assert parse_compound(data) == [ReceiverReport(7)]


def test_items_beside_the_name_are_ignored() -> None:
    data = bytes.fromhex("81ca0004 00000001 0602 7878 0102 6d65 00000000")
    assert parse_compound(data) == [SourceDescription(((1, "me"),))]


def test_feedback_we_do_not_know_is_kept_unread() -> None:
    twcc = bytes.fromhex("8fcd0002 00000001 00000002")
    (packet,) = parse_compound(twcc)
    assert packet == UnknownRtcp(205, 15, twcc[4:])
    afb = bytes.fromhex("8fce0003 00000001 00000002 61626364")
    assert parse_compound(afb) == [UnknownRtcp(206, 15, afb[4:])]


@given(st.lists(st.integers(0, 0xFFFF), max_size=40))
def test_every_number_asked_for_is_in_the_nack(lost: list[int]) -> None:
    (packet,) = parse_compound(pack_compound([Nack(1, 2, tuple(lost))]))
    assert isinstance(packet, Nack)
    assert set(packet.lost) == set(lost)


@given(st.integers(0, 1 << 50))
def test_rate_of_a_remb_keeps_18_bits(bitrate: int) -> None:
    (packet,) = parse_compound(pack_compound([Remb(1, bitrate, ())]))
    assert isinstance(packet, Remb)
    assert 0 <= bitrate - packet.bitrate_bps <= bitrate / (1 << 17)


def test_loss_is_clamped_to_24_bits() -> None:
    def written(lost: int) -> int:
        report = ReceiverReport(1, (ReportBlock(2, 0, lost, 0, 0, 0, 0),))
        (packet,) = parse_compound(pack_compound([report]))
        assert isinstance(packet, ReceiverReport)
        return packet.reports[0].packets_lost

    assert written(1 << 30) == 0x7F_FFFF
    assert written(-(1 << 30)) == -0x80_0000


@pytest.mark.parametrize(
    "packet",
    [
        Bye(tuple(range(32))),
        UnknownRtcp(204, 0, b"odd"),
        SourceDescription(((1, "n" * 256),)),
        PictureLossIndication(1 << 32, 0),
        Remb(1, -1, ()),
        Remb(1, 1 << 90, ()),
        Remb(1, 1, tuple(range(256))),
    ],
)
def test_value_that_does_not_fit_is_refused(packet: RtcpPacket) -> None:
    with pytest.raises(InvalidArgumentError):
        pack_compound([packet])


@given(st.floats(0, 2_085_978_495))
def test_wall_time_survives_ntp(seconds: float) -> None:
    assert unix_time(ntp_time(seconds)) == pytest.approx(seconds, abs=1e-6)


def test_ntp_time_counts_from_1900() -> None:
    assert ntp_time(0.5) == 2_208_988_800 << 32 | 0x8000_0000
    assert compact_ntp(ntp_time(0.5)) == (2_208_988_800 & 0xFFFF) << 16 | 0x8000
