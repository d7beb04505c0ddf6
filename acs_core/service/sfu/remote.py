"""What the descriptions of the remote end change in one connection. Pure.

Theory of operation. A description that passed `sections.check` is applied section by section. A
stream of the remote end begins, goes on in another shape or ends; one of ours is accepted in a
shape, or refused. Nothing here decides when descriptions are exchanged; that is `negotiation.py`.

Source: RFC 8829 section 5.10 (applying a remote description), RFC 8839 section 5.4 (ICE restart).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from acs_core.rtc.formats import is_auxiliary
from acs_core.rtc.sdp import Codec, MediaSection, SessionDescription
from acs_core.service.sfu.changes import (
    Change,
    DataSection,
    RefusalReason,
    RemoteIce,
    SsrcChanged,
    SsrcPolicy,
    StreamEnded,
)
from acs_core.service.sfu.payload_tables import PayloadTables
from acs_core.service.sfu.placement import Placement
from acs_core.service.sfu.sections import (
    OutgoingStream,
    Section,
    accepted_stream,
    is_same_stream,
    merged_stream,
    received_stream,
    refuse,
)

__all__ = ["RemoteEnd"]


class RemoteEnd:
    """What the remote end of one connection said so far.

    Args:
        placement: The sections that its descriptions are about.
        tables: The numbers of the connection; they learn from each description.

    Attributes:
        is_mixed_allowed: It takes one-byte and two-byte header extensions in one stream.
    """

    def __init__(self, placement: Placement, tables: PayloadTables) -> None:
        self.is_mixed_allowed = False
        self._placement = placement
        self._tables = tables
        self._ice: RemoteIce | None = None
        self._data: DataSection | None = None

    def is_ice_restart(self, description: SessionDescription) -> bool:
        """Whether a description has other ICE credentials than the one before."""
        transport, known = description.transport, self._ice
        if transport is None or known is None:
            return False
        # RFC 8839 section 5.4.1.1: a change of either restarts.
        return (transport.ice.ufrag, transport.ice.pwd) != (known.ufrag, known.pwd)

    def apply(self, description: SessionDescription, *, is_offer: bool) -> list[Change]:
        """Take a description that was checked; an answer is about what the sections `offered`."""
        self._tables.learn(description)
        self.is_mixed_allowed = self.is_mixed_allowed or description.extmap_allow_mixed
        changes = self._transport_changes(description)
        for index, remote in enumerate(description.sections):
            changes += self._placement.match(index, remote)
            changes += self._apply_section(self._placement.sections[index], remote, is_offer)
        return changes

    def _transport_changes(self, description: SessionDescription) -> list[Change]:
        transport = description.transport
        if transport is None:
            return []
        ice, known = transport.ice, self._ice
        found = RemoteIce(ice.ufrag, ice.pwd, transport.fingerprints, transport.setup)
        # An answer says "active" where the offer said "actpass"; that alone is no news.
        if known is not None and replace(found, setup=known.setup) == known:
            return []
        self._ice = found
        return [found]

    def _apply_section(
        self, section: Section, remote: MediaSection, is_offer: bool
    ) -> list[Change]:
        section.is_described = True
        if remote.is_rejected:
            return self._placement.retire(section)
        if section.is_rejected and not is_offer:
            return []
        section.is_rejected = False
        if section.kind == "application":
            return self._apply_data(remote)
        codecs = self._tables.common_codecs(remote)
        is_usable = not all(is_auxiliary(codec) for codec in codecs)
        if is_offer:
            section.remote = remote
            if not is_usable:
                return self._placement.retire(section)
        is_invited = is_offer or section.offered.is_receiving
        is_sending = remote.direction.is_sending and is_invited and is_usable
        changes = self._apply_received(section, remote if is_sending else None, codecs)
        if section.key is not None and (is_offer or section.offered.key == section.key):
            stream = self._placement.streams[section.key]
            changes += self._apply_outgoing(section, stream, remote, codecs)
        return changes

    def _apply_data(self, remote: MediaSection) -> list[Change]:
        if self._data is not None or remote.sctp_port is None or remote.max_message_size is None:
            return []
        self._data = DataSection(remote.sctp_port, remote.max_message_size)
        return [self._data]

    def _apply_received(
        self, section: Section, remote: MediaSection | None, codecs: Sequence[Codec]
    ) -> list[Change]:
        old = section.received
        if remote is None:
            section.received = None
            return [] if old is None else [StreamEnded(section.mid)]
        new = received_stream(remote, codecs, self._tables.common_extensions(remote))
        if old is None or not is_same_stream(old, new):
            section.received = new
            return [new] if old is None else [StreamEnded(section.mid), new]
        section.received = merged = merged_stream(old, new)
        return [] if merged == old else [merged]

    def _apply_outgoing(
        self,
        section: Section,
        stream: OutgoingStream,
        remote: MediaSection,
        codecs: Sequence[Codec],
    ) -> list[Change]:
        if not remote.direction.is_receiving:
            is_fresh = self._placement.ssrc_policy is SsrcPolicy.FRESH
            if stream.accepted is not None and is_fresh:
                section.ssrcs = self._placement.fresh_ssrcs()
            return refuse(stream, RefusalReason.NOT_RECEIVING)
        extensions = self._tables.common_extensions(remote)
        accepted = accepted_stream(section, stream, codecs, extensions)
        if not accepted.payload_types:
            return refuse(stream, RefusalReason.NO_COMMON_CODEC)
        old, stream.accepted, stream.refusal = stream.accepted, accepted, None
        if old == accepted:
            return []
        if (
            old is not None
            and replace(old, ssrc=accepted.ssrc, rtx_ssrc=accepted.rtx_ssrc) == accepted
        ):
            return [SsrcChanged(stream.key, section.mid, accepted.ssrc, accepted.rtx_ssrc)]
        return [accepted]
