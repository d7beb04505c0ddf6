"""A publisher of one video in several layers, told apart by a SIM group of SSRCs or by RID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from acs_core.media.outgoing import RtpPath, SendEncoding
from acs_core.media.publishing import PublishPeer
from acs_core.media.sender import SendOptions, StreamSender
from acs_core.media.sources import PatternSource
from acs_core.rtc.feedback import RtcpPacket
from acs_core.rtc.packet import Uri, extensions, pack_packet, parse_header

__all__ = ["LayerNames", "SimulcastPublisher"]

TRACK = "camera"
RIDS = ("q", "h", "f")
RID_ID, REPAIRED_RID_ID = 9, 10


class LayerNames(StrEnum):
    """How an offer tells the layers apart."""

    SIM_GROUP = "ssrc"
    RID = "rid"


class SimulcastPublisher(PublishPeer):
    """Offers one video; every layer is an encoder of its own, of the size of its source.

    Args:
        sizes: Width and height of each layer, in the order of the description.
        names: How they are told apart.
        color: Of the test picture.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[int, int]],
        names: LayerNames,
        color: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.feedback: list[RtcpPacket] = []
        self.layers: list[StreamSender] = []
        self._names = names
        self._sources = [PatternSource(*size, 15, color=color) for size in sizes]
        self.add_stream(TRACK, self._sources[0])

    async def create_offer(self) -> str:
        offer = await super().create_offer()
        if self._names is LayerNames.SIM_GROUP:
            return self._with_group(offer)
        kept = [line for line in offer.split("\r\n") if not line.startswith("a=ssrc")]
        names = RIDS[: len(self._sources)]
        return "\r\n".join(kept[:-1]) + "\r\n".join(
            [
                "",
                f"a=extmap:{RID_ID} {Uri.RID}",
                f"a=extmap:{REPAIRED_RID_ID} {Uri.REPAIRED_RID}",
                *(f"a=rid:{name} send" for name in names),
                f"a=simulcast:send {';'.join(names)}",
                "",
            ]
        )

    def _with_group(self, offer: str) -> str:
        pair = next(line for line in offer.split("\r\n") if line.startswith("a=ssrc-group:FID"))
        first, first_rtx = (int(word) for word in pair.split()[1:])
        ssrcs = [first + index for index in range(len(self._sources))]
        rtx = [first_rtx + index for index in range(len(self._sources))]
        groups = [f"a=ssrc-group:SIM {' '.join(map(str, ssrcs))}"]
        groups += [f"a=ssrc-group:FID {one} {two}" for one, two in zip(ssrcs, rtx, strict=True)]
        lines = [f"a=ssrc:{ssrc} cname:layers" for ssrc in (*ssrcs[1:], *rtx[1:])]
        return offer.replace(pair, "\r\n".join(groups)) + "\r\n".join([*lines, ""])

    async def accept_answer(self, text: str) -> tuple[str, ...]:
        kept = [
            line
            for line in text.split("\r\n")
            if not line.startswith(("a=rid", "a=simulcast"))
            and not line.endswith((Uri.RID, Uri.REPAIRED_RID))
        ]
        answer = self._negotiation.accept_answer("\r\n".join(kept))
        (stream,) = answer.streams
        first = SendEncoding(
            mid=stream.mid,
            codec_name=stream.codec.name,
            ssrc=stream.ssrc,
            payload_type=stream.codec.payload_type,
            rtx_ssrc=stream.rtx_ssrc,
            rtx_payload_type=stream.rtx_payload_type,
            extensions=dict(stream.extensions),
        )
        for index, source in enumerate(self._sources):
            encoding = replace(
                first,
                ssrc=first.ssrc + index,
                rtx_ssrc=None if first.rtx_ssrc is None else first.rtx_ssrc + index,
            )
            path: RtpPath = self._endpoint
            if self._names is LayerNames.RID:
                path = _NamedPath(self._endpoint, RIDS[index].encode(), encoding.ssrc)
            sender = StreamSender(path, source, cname="layers", options=SendOptions(400_000))
            sender.start(encoding)
            self.layers.append(sender)
        self._remote_described(answer.transport, answer.data)
        return answer.refused

    def _rtcp_arrived(self, packets: Sequence[RtcpPacket]) -> None:
        self.feedback += packets
        super()._rtcp_arrived(packets)
        for packet in packets:
            for layer in self.layers:
                layer.handle_rtcp(packet)

    async def _close_streams(self) -> None:
        await super()._close_streams()
        for layer in self.layers:
            await layer.close()


class _NamedPath:
    """Writes the layer's name into every packet."""

    def __init__(self, path: RtpPath, name: bytes, ssrc: int) -> None:
        self._path = path
        self._name = name
        self._ssrc = ssrc

    @property
    def state(self) -> str:
        return self._path.state

    def send_rtp(self, data: bytes) -> None:
        header = parse_header(data)
        name_id = RID_ID if header.ssrc == self._ssrc else REPAIRED_RID_ID
        present = [
            (item.id, data[item.offset : item.offset + item.length])
            for item in extensions(data, header)
        ]
        self._path.send_rtp(
            pack_packet(
                payload_type=header.payload_type,
                marker=header.marker,
                sequence_number=header.sequence_number,
                timestamp=header.timestamp,
                ssrc=header.ssrc,
                payload=data[header.payload_offset : header.payload_end],
                extensions=[*present, (name_id, self._name)],
            )
        )

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        self._path.send_rtcp(packets)
