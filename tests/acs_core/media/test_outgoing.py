import dataclasses

from acs_core.media.outgoing import OutgoingStream, SendEncoding
from acs_core.rtc.feedback import SenderReport, SourceDescription
from acs_core.rtc.packet import Uri, abs_send_time, extensions, parse_header, rtx_unwrap

ENCODING = SendEncoding(
    mid="3",
    codec_name="VP8",
    ssrc=1000,
    payload_type=96,
    rtx_ssrc=2000,
    rtx_payload_type=97,
    extensions={Uri.MID: 1, Uri.AUDIO_LEVEL: 2, Uri.ABS_SEND_TIME: 3},
)


class Path:
    state = "connected"

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list = []

    def send_rtp(self, data: bytes) -> None:
        self.rtp.append(data)

    def send_rtcp(self, packets) -> None:
        self.rtcp.append(list(packets))


def values(packet: bytes) -> dict[int, bytes]:
    return {
        item.id: packet[item.offset : item.offset + item.length]
        for item in extensions(packet, parse_header(packet))
    }


def stream(encoding: SendEncoding = ENCODING) -> tuple[OutgoingStream, Path]:
    path = Path()
    return OutgoingStream(path, encoding, clock_rate=90000), path


def test_packets_carry_what_was_negotiated() -> None:
    outgoing, path = stream()
    outgoing.send(2**32 + 5, b"one", [(2, b"\x14")], marker=False, captured=1.0, now=1.5)
    outgoing.send(2**32 + 5, b"two", marker=True, captured=1.0, now=1.5)
    first, second = (parse_header(data) for data in path.rtp)
    assert (first.ssrc, first.payload_type, first.timestamp, first.marker) == (1000, 96, 5, False)
    assert (second.sequence_number - first.sequence_number) & 0xFFFF == 1
    assert second.marker
    assert values(path.rtp[0]) == {1: b"3", 2: b"\x14", 3: abs_send_time(1.5).to_bytes(3, "big")}
    assert (outgoing.packets_sent, outgoing.bytes_sent) == (2, 6)


def test_without_extensions_there_are_none() -> None:
    outgoing, path = stream(dataclasses.replace(ENCODING, extensions={}))
    outgoing.send(0, b"one", marker=False, captured=0.0, now=0.0)
    assert values(path.rtp[0]) == {}
    number = parse_header(path.rtp[0]).sequence_number
    outgoing.resend([number], 1.0)
    assert outgoing.packets_resent == 1


def test_repeated_packets_say_when_they_leave_again() -> None:
    outgoing, path = stream()
    outgoing.send(5, b"one", marker=True, captured=1.0, now=1.0)
    number = parse_header(path.rtp[0]).sequence_number
    outgoing.resend([number, (number + 1) & 0xFFFF], 2.0)
    assert len(path.rtp) == 2
    repeated = parse_header(path.rtp[1])
    assert (repeated.ssrc, repeated.payload_type) == (2000, 97)
    assert values(path.rtp[1])[3] == abs_send_time(2.0).to_bytes(3, "big")
    original = rtx_unwrap(path.rtp[1], repeated, payload_type=96, ssrc=1000)
    assert parse_header(original).sequence_number == number
    assert original.endswith(b"one")


def test_without_rtx_the_packet_itself_is_repeated() -> None:
    outgoing, path = stream(dataclasses.replace(ENCODING, rtx_ssrc=None))
    outgoing.send(5, b"one", marker=True, captured=1.0, now=1.0)
    outgoing.resend([parse_header(path.rtp[0]).sequence_number], 1.5)
    assert parse_header(path.rtp[1]) == parse_header(path.rtp[0])


def test_reports_begin_with_the_first_packet() -> None:
    outgoing, path = stream()
    outgoing.send_report("someone", 1.0, 1 << 32)
    assert path.rtcp == []
    outgoing.send(90000, b"one", marker=True, captured=1.0, now=1.2)
    outgoing.send_report("someone", 2.0, 7 << 32)
    ((report, description),) = path.rtcp
    assert isinstance(report, SenderReport)
    assert (report.rtp_timestamp, report.ntp_timestamp) == (180000, 7 << 32)
    assert description == SourceDescription(((1000, "someone"),))
