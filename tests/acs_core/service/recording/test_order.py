from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.packet import pack_packet
from acs_core.service.recording.order import Lost, PacketOrder
from acs_core.service.sfu.plane.taps import TappedPacket


def packet(number: int, at: float = 0.0, payload: bytes = b"x") -> TappedPacket:
    data = pack_packet(
        payload_type=96,
        marker=False,
        sequence_number=number & 0xFFFF,
        timestamp=0,
        ssrc=1,
        payload=payload,
    )
    return TappedPacket(at, data)


def taken(order: PacketOrder, *packets: TappedPacket) -> list[int | None]:
    """Sequence numbers as they come out; None for a loss."""
    items = [item for one in packets for item in order.add(one)]
    return [None if isinstance(item, Lost) else item.header.sequence_number for item in items]


def test_packets_come_out_in_order_across_the_wrap() -> None:
    order = PacketOrder()
    numbers = (65534, 0, 65535, 2, 1, 1, 65534)
    assert taken(order, *(packet(number) for number in numbers)) == [65534, 65535, 0, 1, 2]


def test_what_is_missing_is_waited_for_a_second() -> None:
    order = PacketOrder(patience=1.0)
    assert taken(order, packet(1), packet(3, 0.1), packet(4, 1.0)) == [1]
    assert taken(order, packet(2, 1.05)) == [2, 3, 4]
    assert taken(order, packet(6, 2.0), packet(7, 2.9)) == []
    assert taken(order, packet(8, 3.0)) == [None, 6, 7, 8]
    assert taken(order, packet(5, 3.1)) == []


def test_each_gap_is_told_once() -> None:
    order = PacketOrder(patience=1.0)
    assert taken(order, packet(1), packet(3), packet(5, 0.5), packet(6, 1.0)) == [1, None, 3]
    assert taken(order, packet(7, 2.0)) == [None, 5, 6, 7]


def test_at_the_end_nothing_is_waited_for() -> None:
    order = PacketOrder()
    taken(order, packet(1), packet(3), packet(6))
    kinds = [isinstance(item, Lost) for item in order.flush()]
    assert kinds == [True, False, True, False]
    assert list(order.flush()) == []


def test_padding_counts_and_is_taken_off() -> None:
    order = PacketOrder()
    padded = bytearray(packet(1, payload=b"ab\x00\x02").data)
    padded[0] |= 0x20
    (item,) = order.add(TappedPacket(0.0, bytes(padded)))
    assert not isinstance(item, Lost)
    assert item.payload == b"ab"
    assert list(order.add(TappedPacket(0.0, b"no packet"))) == []


@given(st.permutations(range(12)), st.sets(st.integers(1, 11)))
def test_whatever_arrives_in_time_comes_out_once_and_in_order(
    arrival: list[int], lost: set[int]
) -> None:
    order = PacketOrder()
    out = taken(order, packet(100))
    out += taken(order, *(packet(101 + number) for number in arrival if number not in lost))
    out += [None if isinstance(i, Lost) else i.header.sequence_number for i in order.flush()]
    numbers = [number for number in out if number is not None]
    assert numbers == [100, *sorted(101 + number for number in range(12) if number not in lost)]
    # One None for each hole in front of something.
    holes = sum(two - one > 1 for one, two in itertools.pairwise(numbers))
    assert out.count(None) == holes
