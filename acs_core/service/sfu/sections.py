"""The sections of one connection as the service sees them, and what their descriptions mean.

Only values and functions of values; which section carries what, and when, is decided by
`acs_core.service.sfu.negotiation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from acs_core.errors import ProtocolError, Stage
from acs_core.rtc.formats import is_auxiliary, retransmissions
from acs_core.rtc.sdp import (
    DISCARD_PORT,
    Codec,
    Direction,
    HeaderExtension,
    Kind,
    MediaSection,
    Rid,
    SessionDescription,
    Setup,
    Simulcast,
    SsrcGroup,
)
from acs_core.service.sfu.changes import (
    Change,
    Layer,
    RefusalReason,
    StreamAccepted,
    StreamReceived,
    StreamRefused,
)
from acs_core.service.sfu.payload_tables import PayloadTables

__all__ = [
    "MAX_LAYERS",
    "MAX_MESSAGE_SIZE",
    "NO_SSRCS",
    "SCTP_PORT",
    "OutgoingStream",
    "Said",
    "Section",
    "accepted_stream",
    "check",
    "describe",
    "is_same_stream",
    "merged_stream",
    "received_stream",
    "refuse",
    "violation",
]

SCTP_PORT: Final = 5000
"""What every WebRTC end uses (RFC 8841 section 15.2)."""

MAX_MESSAGE_SIZE: Final = 262_144
"""What aiortc and Chromium take in one data channel message, in bytes."""

MAX_LAYERS: Final = 8
"""Ours: browsers send three; more than this of one stream is ignored."""

NO_SSRCS: Final = (0, 0)
"""Of a section on which no stream of ours was placed yet."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a description of ours says about one section."""

    key: str | None = None
    ssrc: int | None = None
    is_receiving: bool = False


@dataclass(slots=True)
class OutgoingStream:
    """A stream of ours and how far it came; `is_given_up` once a new section was refused."""

    key: str
    kind: Kind
    codecs: frozenset[str]
    msid: tuple[str, str]
    section: Section | None = None
    accepted: StreamAccepted | None = None
    refusal: RefusalReason | None = None
    is_given_up: bool = False


@dataclass(slots=True)
class Section:
    """One m= section.

    Attributes:
        is_own: We opened it.
        is_described: A remote description of it was applied.
        is_rolled_back: The remote end rolled an offer back that recycled it.
        key: The stream of ours that belongs here.
        ssrcs: Primary and rtx for streams of ours.
        received: The stream of the remote end.
        remote: The remote end's last offer of it.
        told: What the last complete exchange said of us.
        offered: What the outstanding offer says of us.
        replaced: The rejected section in whose slot this one is offered.
    """

    mid: str
    kind: Kind
    is_own: bool = False
    is_described: bool = False
    is_rejected: bool = False
    is_rolled_back: bool = False
    key: str | None = None
    ssrcs: tuple[int, int] = NO_SSRCS
    received: StreamReceived | None = None
    remote: MediaSection | None = None
    told: Said = Said()
    offered: Said = Said()
    replaced: Section | None = None

    def said(self, *, is_sending: bool, is_receiving: bool) -> Said:
        """Give what a description that is written now says."""
        if self.key is None or not is_sending:
            return Said(is_receiving=is_receiving)
        return Said(self.key, self.ssrcs[0], is_receiving)

    @property
    def has_news(self) -> bool:
        """Whether the remote end does not know yet what we want to send here."""
        wanted = self.said(is_sending=True, is_receiving=self.told.is_receiving)
        return not self.is_rejected and wanted != self.told

    @property
    def is_reusable(self) -> bool:
        """Whether a stream of ours may be put here: only on sections that we opened.

        The remote end must have been told that the former stream is gone: browsers announce a
        track only when a section begins to receive.
        """
        is_free = self.key is None and self.told.key is None and self.received is None
        return self.is_own and self.is_described and is_free and not self.is_rejected


def violation(reason: str) -> ProtocolError:
    """Give the error for a description that breaks the rules of offer and answer."""
    return ProtocolError(f"A description was refused: {reason}.", stage=Stage.NEGOTIATION)


def check(
    description: SessionDescription, slots: Sequence[Kind], kinds: Mapping[str, Kind]
) -> None:
    """Refuse a remote description that contradicts earlier ones.

    Args:
        description: The remote offer or answer.
        slots: The kind of each section so far.
        kinds: The kind of each mid that was ever used.

    Raises:
        ProtocolError: It cannot be used.
    """
    live = [section for section in description.sections if not section.is_rejected]
    transport = description.transport
    if live and (transport is None or not transport.fingerprints):
        raise violation("it has no ICE credentials or no fingerprint")
    if transport is not None and transport.setup is Setup.PASSIVE:
        raise violation("it insists on the passive DTLS role, which is ours")
    for index, section in enumerate(description.sections):
        known = kinds.get(section.mid)
        if not section.mid and index < len(slots):
            known = slots[index]
        if known not in {None, section.kind}:
            raise violation("a section changed its kind")
    ssrcs = [ssrc for section in live if section.direction.is_sending for ssrc in _ssrcs(section)]
    if len(set(ssrcs)) != len(ssrcs):
        raise violation("two sections use the same ssrc")


def _ssrcs(section: MediaSection) -> set[int]:
    """Collect what a section names anywhere; groups may name what no other line does."""
    return {*section.ssrcs, *(ssrc for group in section.ssrc_groups for ssrc in group.ssrcs)}


def received_stream(
    remote: MediaSection, codecs: Sequence[Codec], extensions: Iterable[HeaderExtension]
) -> StreamReceived:
    """Give the stream that a remote section describes.

    Args:
        remote: A section that is sending.
        codecs: What was agreed on for it.
        extensions: What was agreed on for it.
    """
    stream_id, track_id = remote.msid or ("", "")
    return StreamReceived(
        mid=remote.mid,
        kind=remote.kind,
        layers=_layers(remote)[:MAX_LAYERS],
        stream_id=stream_id,
        track_id=track_id,
        codecs={codec.payload_type: codec.key for codec in codecs if codec.apt is None},
        rtx_payload_types={rtx: apt for apt, rtx in retransmissions(codecs).items()},
        extensions={extension.uri: extension.id for extension in extensions},
    )


def _layers(remote: MediaSection) -> tuple[Layer, ...]:
    """Tell the encodings apart: by rid, by SIM group, or one by its SSRC or MID alone."""
    sent = {rid.id for rid in remote.rids if rid.direction == "send"}
    if remote.simulcast is not None and sent:
        # RFC 8853 section 5.1: "~" marks a layer as paused, commas separate alternatives.
        names = [item.split(",")[0].removeprefix("~") for item in remote.simulcast.send]
        layers = tuple(Layer(name, None, None) for name in names if name in sent)
        if layers:
            return layers
    pairs = [group.ssrcs for group in remote.ssrc_groups if group.semantics == "FID"]
    rtx = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    for group in remote.ssrc_groups:
        if group.semantics == "SIM":
            return tuple(Layer(None, ssrc, rtx.get(ssrc)) for ssrc in group.ssrcs)
    primary = next(iter(rtx), remote.ssrcs[0] if remote.ssrcs else None)
    return (Layer(None, primary, None if primary is None else rtx.get(primary)),)


def is_same_stream(old: StreamReceived, new: StreamReceived) -> bool:
    """Whether two descriptions are of one stream, whatever its payload types."""
    one, two = ((s.layers, s.stream_id, s.track_id) for s in (old, new))
    return one == two


def merged_stream(old: StreamReceived, new: StreamReceived) -> StreamReceived:
    """Give one stream with the payload types of both: packets of before are still on their way."""
    return replace(
        new,
        codecs={**old.codecs, **new.codecs},
        rtx_payload_types={**old.rtx_payload_types, **new.rtx_payload_types},
        extensions={**old.extensions, **new.extensions},
    )


def accepted_stream(
    section: Section,
    stream: OutgoingStream,
    codecs: Sequence[Codec],
    extensions: Iterable[HeaderExtension],
) -> StreamAccepted:
    """Give the shape in which the remote end takes a stream; without payload types if in none."""
    payload_types: dict[str, int] = {}
    for codec in codecs:
        if not is_auxiliary(codec) and codec.key in stream.codecs:
            payload_types.setdefault(codec.key, codec.payload_type)
    rtx = {
        payload_type: number
        for payload_type, number in retransmissions(codecs).items()
        if payload_type in payload_types.values()
    }
    return StreamAccepted(
        key=stream.key,
        mid=section.mid,
        ssrc=section.ssrcs[0],
        rtx_ssrc=section.ssrcs[1] if rtx else None,
        payload_types=payload_types,
        rtx_payload_types=rtx,
        extensions={extension.uri: extension.id for extension in extensions},
    )


def refuse(
    stream: OutgoingStream, reason: RefusalReason, *, is_retried: bool = False
) -> list[Change]:
    """Note that the remote end does not get a stream; tell it once."""
    if stream.refusal is reason:
        return []
    stream.accepted, stream.refusal = None, reason
    return [StreamRefused(stream.key, reason, is_retried)]


def describe(
    section: Section,
    said: Said,
    stream: OutgoingStream | None,
    remote: MediaSection | None,
    tables: PayloadTables,
) -> MediaSection:
    """Write a section, without the transport.

    Args:
        section: What it is about.
        said: What to say of us.
        stream: The stream that `said` names.
        remote: The remote end's offer of the section, if there ever was one; nothing that it does
            not have is written.
        tables: The numbers of the connection.
    """
    port = 0 if section.is_rejected else DISCARD_PORT
    if section.kind == "application":
        return MediaSection(
            section.kind,
            section.mid,
            sctp_port=SCTP_PORT,
            max_message_size=MAX_MESSAGE_SIZE,
            port=port,
        )
    is_known = remote is not None and not remote.is_rejected
    offer = remote if is_known else None
    media = MediaSection(
        section.kind,
        section.mid,
        direction=Direction.of(send=said.key is not None, receive=said.is_receiving),
        codecs=(tables.common_codecs(offer) if offer else ()) or tables.codecs(section.kind),
        extensions=(tables.common_extensions(offer) if offer else tables.extensions(section.kind)),
        rtcp_mux=True,
        rtcp_rsize=True,
        port=port,
    )
    if section.is_rejected:
        return replace(media, direction=Direction.INACTIVE)
    if stream is not None:
        media = _with_source(media, stream.msid, section.ssrcs)
    return _with_layers(media, offer) if offer and said.is_receiving else media


def _with_source(
    media: MediaSection, msid: tuple[str, str], ssrcs: tuple[int, int]
) -> MediaSection:
    """Add our stream; aiortc needs the ssrc lines, the primary first, and two of them for rtx."""
    if not retransmissions(media.codecs):
        return replace(media, ssrcs=ssrcs[:1], cname=msid[0], msid=msid)
    groups = (SsrcGroup("FID", ssrcs),)
    return replace(media, ssrcs=ssrcs, ssrc_groups=groups, cname=msid[0], msid=msid)


def _with_layers(media: MediaSection, offer: MediaSection) -> MediaSection:
    """Accept every layer that is offered by rid, or the sender would send only one.

    Source: RFC 8853 section 5.3.2.
    """
    if offer.simulcast is None or not offer.simulcast.send:
        return media
    rids = tuple(Rid(rid.id, "recv") for rid in offer.rids if rid.direction == "send")
    return replace(media, rids=rids, simulcast=Simulcast(receive=offer.simulcast.send))
