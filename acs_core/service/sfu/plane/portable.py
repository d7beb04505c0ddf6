"""P0, the portable plane: pylibsrtp's public API and `sendto`; the reference for the others."""

from __future__ import annotations

import pylibsrtp

from acs_core.rtc.packet import ExtensionElement, RtpHeader
from acs_core.service.sfu.plane.engine import ForwardingPlane
from acs_core.service.sfu.plane.patch import NUMBERS, set_payload_type, translate_extensions
from acs_core.service.sfu.plane.state import ProducerState, TransportState
from acs_core.service.sfu.vp8 import widened

__all__ = ["PortablePlane"]


class PortablePlane(ForwardingPlane):
    """Works wherever pylibsrtp does; see `Plane`."""

    name = "portable"

    def _unprotect(self, transport: TransportState, datagram: memoryview | bytes) -> bytes | None:
        try:
            return transport.inbound.unprotect(bytes(datagram))
        except (pylibsrtp.Error, ValueError):
            return None

    def _fan_out(
        self,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        send_time: int,
        is_newest: bool,
    ) -> None:
        for group in producer.groups:
            payload_type = group.route.payload_types.get(header.payload_type)
            if payload_type is None:
                self._skip(group.consumers, header.sequence_number)
                continue
            ids = producer.picture_ids(packet, header) if group.is_moved else None
            patched = bytearray(packet if ids is None else widened(packet, ids))
            set_payload_type(patched, payload_type)
            translate_extensions(
                patched, header.extension_profile, elements, group.route, send_time
            )
            size = header.payload_end - header.payload_offset + len(patched) - len(packet)
            for consumer in group.consumers:
                numbers = consumer.rewriter.map(header.sequence_number, header.timestamp)
                if numbers is None:
                    continue
                NUMBERS.pack_into(patched, 2, *numbers, consumer.ssrc)
                if ids is not None:
                    consumer.pictures.move(patched, ids)
                if self._protect_and_send(consumer.transport, bytes(patched)):
                    consumer.packets += 1
                    consumer.octets += size
