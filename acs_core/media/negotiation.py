"""The client's side of the offers and answers of its two connections.

On the publish connection the client offers and the service answers; on the subscribe connection it
is the other way round. Two offers can therefore never cross, and neither end ever has to roll back.
Both sides of the client always describe the same codecs with the same numbers, so nothing that was
agreed on is redefined.

Source: RFC 8829 section 5, RFC 8843; codecs and extensions: `acs_core.rtc.formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from acs_core.errors import InvalidArgumentError, InvalidStateError, ProtocolError, Stage
from acs_core.media.negotiated import (
    DataParameters,
    PublishAnswer,
    PublishedStream,
    ReceivedSection,
    SubscribeAnswer,
)
from acs_core.rtc.formats import (
    FEEDBACK,
    NATIVE_CODECS,
    NATIVE_EXTENSIONS,
    is_auxiliary,
    retransmissions,
    select,
)
from acs_core.rtc.sdp import (
    DISCARD_PORT,
    Codec,
    Direction,
    HeaderExtension,
    Kind,
    LocalTransport,
    MediaSection,
    RemoteTransport,
    SessionDescription,
    Setup,
    SsrcGroup,
    parse,
    write,
)

__all__ = [
    "DataParameters",
    "LocalTransport",
    "PublishAnswer",
    "PublishNegotiation",
    "PublishedStream",
    "ReceivedSection",
    "SubscribeAnswer",
    "SubscribeNegotiation",
]

SCTP_PORT: Final = 5000
MAX_MESSAGE_SIZE: Final = 262_144
"""Bytes of one data channel message that our client takes."""


@dataclass(slots=True)
class _Stream:
    kind: Kind
    msid: tuple[str, str]
    codecs: tuple[Codec, ...]
    ssrcs: tuple[int, int]


@dataclass(slots=True)
class _Section:
    """One m= section; `offered` is the key of the stream in the outstanding offer."""

    mid: str
    kind: Kind
    key: str | None = None
    offered: str | None = None
    told: str | None = None
    is_rejected: bool = False


class PublishNegotiation:
    """Offers of the connection on which the client sends.

    Args:
        session_id: For the o= line; constant for the connection.
        cname: Canonical name of this endpoint (RFC 7022), one word of ASCII.
        new_ssrc: Gives a random 32-bit number at each call.
    """

    def __init__(self, *, session_id: int, cname: str, new_ssrc: Callable[[], int]) -> None:
        self._session_id = session_id
        self._cname = cname
        self._new_ssrc = new_ssrc
        self._streams: dict[str, _Stream] = {}
        self._sections: list[_Section] = []
        self._ssrcs: set[int] = set()
        self._version = 0
        self._is_outstanding = False
        self._is_data_wanted = False

    def add_stream(
        self, key: str, kind: Kind, *, stream_id: str, track_id: str, codecs: Sequence[str] = ()
    ) -> None:
        """Offer a stream.

        Args:
            key: Names the stream in the answer.
            kind: ``audio`` or ``video``.
            stream_id: First word of the msid.
            track_id: Second word of the msid.
            codecs: Encoding names, for instance ``("H264",)``, in order of preference; others are
                not offered. Empty for all in our order.

        Raises:
            InvalidStateError: The key is in use.
            InvalidArgumentError: We have none of these codecs, or the kind is not media.
        """
        if key in self._streams:
            raise InvalidStateError(f"Stream {key} was added before.", stage=Stage.NEGOTIATION)
        chosen = _preferred(kind, [name.lower() for name in codecs])
        if not chosen:
            raise InvalidArgumentError(
                f"There is no {kind} codec among {', '.join(codecs)}.", stage=Stage.NEGOTIATION
            )
        ssrcs = (self._fresh_ssrc(), self._fresh_ssrc())
        self._streams[key] = _Stream(kind, (stream_id, track_id), chosen, ssrcs)

    def remove_stream(self, key: str) -> None:
        """Stop offering a stream.

        Raises:
            InvalidStateError: There is no such stream.
        """
        if self._streams.pop(key, None) is None:
            raise InvalidStateError(f"There is no stream {key}.", stage=Stage.NEGOTIATION)
        for section in self._sections:
            if section.key == key:
                section.key = None

    def want_data(self) -> None:
        """Ask for a data section, unless there is one."""
        self._is_data_wanted = True

    @property
    def needs_offer(self) -> bool:
        """Whether `create_offer` should be called now; never while an offer is outstanding."""
        has_news = any(s.key != s.told and not s.is_rejected for s in self._sections)
        is_incomplete = bool(self._unplaced()) or self._needs_data_section()
        return not self._is_outstanding and (has_news or is_incomplete)

    def create_offer(self, local: LocalTransport) -> str:
        """Write an offer with all streams.

        Raises:
            InvalidStateError: An offer is outstanding.
        """
        if self._is_outstanding:
            raise InvalidStateError("An offer is outstanding.", stage=Stage.NEGOTIATION)
        for key in self._unplaced():
            self._place(key)
        if self._needs_data_section():
            self._sections.append(_Section(str(len(self._sections)), "application"))
        for section in self._sections:
            section.offered = section.key
        self._is_outstanding = True
        self._version += 1
        sections = [self._described(section) for section in self._sections]
        return _text(sections, local, Setup.ACTPASS, self._session_id, self._version)

    def withdraw_offer(self) -> None:
        """Take the outstanding offer back: there will be no answer to it."""
        self._is_outstanding = False

    def accept_answer(self, text: str) -> PublishAnswer:
        """Take the answer to our offer.

        Raises:
            MalformedPacketError: The text cannot be read.
            ProtocolError: It does not fit the offer, which stays outstanding.
            InvalidStateError: No offer is outstanding.
        """
        if not self._is_outstanding:
            raise InvalidStateError("There is no offer to answer.", stage=Stage.NEGOTIATION)
        description = parse(text)
        ours = [(section.mid, section.kind) for section in self._sections]
        if [(section.mid, section.kind) for section in description.sections] != ours:
            raise _violation("an answer does not have the sections of the offer")
        transport = description.transport
        if transport is not None and not transport.fingerprints:
            raise _violation("it has no fingerprint")
        self._is_outstanding = False
        streams, refused = [], []
        for section, remote in zip(self._sections, description.sections, strict=True):
            section.told = section.offered
            section.is_rejected = section.is_rejected or remote.is_rejected
            published = self._published(section, remote)
            if published is not None:
                streams.append(published)
            elif section.key is not None and section.key == section.offered:
                refused.append(section.key)
                self.remove_stream(section.key)
        return PublishAnswer(tuple(streams), tuple(refused), transport, _data(description))

    def _unplaced(self) -> list[str]:
        placed = {section.key for section in self._sections}
        return [key for key in self._streams if key not in placed]

    def _needs_data_section(self) -> bool:
        kinds = {section.kind for section in self._sections}
        return self._is_data_wanted and "application" not in kinds

    def _place(self, key: str) -> None:
        """Put a stream on a section that stopped sending, or on a new one."""
        stream = self._streams[key]
        for section in self._sections:
            is_free = section.key is None and section.told is None and not section.is_rejected
            if section.kind == stream.kind and is_free:
                section.key = key
                return
        self._sections.append(_Section(str(len(self._sections)), stream.kind, key))

    def _described(self, section: _Section) -> MediaSection:
        if section.kind == "application":
            return MediaSection(
                section.kind,
                section.mid,
                port=0 if section.is_rejected else DISCARD_PORT,
                sctp_port=SCTP_PORT,
                max_message_size=MAX_MESSAGE_SIZE,
            )
        stream = None if section.key is None else self._streams[section.key]
        media = MediaSection(
            section.kind,
            section.mid,
            port=0 if section.is_rejected else DISCARD_PORT,
            direction=Direction.of(send=stream is not None, receive=False),
            codecs=NATIVE_CODECS[section.kind] if stream is None else stream.codecs,
            extensions=tuple(
                HeaderExtension(id_, uri) for uri, id_ in NATIVE_EXTENSIONS[section.kind].items()
            ),
            rtcp_mux=True,
            rtcp_rsize=True,
        )
        if stream is None:
            return media
        has_rtx = bool(retransmissions(media.codecs))
        return replace(
            media,
            msid=stream.msid,
            cname=self._cname,
            ssrcs=stream.ssrcs if has_rtx else stream.ssrcs[:1],
            ssrc_groups=(SsrcGroup("FID", stream.ssrcs),) if has_rtx else (),
        )

    def _published(self, section: _Section, remote: MediaSection) -> PublishedStream | None:
        """Give how to send the stream of a section; None if there is none or it is not taken."""
        key = section.key
        if key is None or key != section.offered or remote.is_rejected:
            return None
        stream = self._streams[key]
        offered = {codec.payload_type: codec.key for codec in stream.codecs}
        common = [c for c in remote.codecs if offered.get(c.payload_type) == c.key]
        codec = next((codec for codec in common if not is_auxiliary(codec)), None)
        if codec is None or not remote.direction.is_receiving:
            return None
        rtx = retransmissions(common).get(codec.payload_type)
        native = NATIVE_EXTENSIONS[section.kind]
        return PublishedStream(
            key=key,
            mid=section.mid,
            kind=section.kind,
            ssrc=stream.ssrcs[0],
            rtx_ssrc=None if rtx is None else stream.ssrcs[1],
            codec=codec,
            rtx_payload_type=rtx,
            extensions={e.uri: e.id for e in remote.extensions if native.get(e.uri) == e.id},
        )

    def _fresh_ssrc(self) -> int:
        ssrc = self._new_ssrc()
        while ssrc in self._ssrcs:
            ssrc = self._new_ssrc()
        self._ssrcs.add(ssrc)
        return ssrc


class SubscribeNegotiation:
    """Answers of the connection on which the client receives.

    Args:
        session_id: For the o= line; constant for the connection.
    """

    def __init__(self, *, session_id: int) -> None:
        self._session_id = session_id
        self._version = 0

    def accept_offer(self, text: str, local: LocalTransport) -> SubscribeAnswer:
        """Take an offer and answer it: everything that we can decode is received.

        Raises:
            MalformedPacketError: The text cannot be read.
            ProtocolError: It has no transport.
        """
        description = parse(text)
        transport = _transport(description)
        self._version += 1
        answered = [_answered(section) for section in description.sections]
        answer = _text(answered, local, Setup.ACTIVE, self._session_id, self._version)
        sections = tuple(
            _received(offer, section)
            for offer, section in zip(description.sections, answered, strict=True)
            if section.kind != "application" and not section.is_rejected
        )
        return SubscribeAnswer(answer, sections, transport, _data(description))


def _answered(offer: MediaSection) -> MediaSection:
    if offer.kind == "application":
        return MediaSection(
            offer.kind,
            offer.mid,
            port=0 if offer.is_rejected else DISCARD_PORT,
            sctp_port=SCTP_PORT,
            max_message_size=MAX_MESSAGE_SIZE,
        )
    known = {codec.key for codec in NATIVE_CODECS[offer.kind]}
    codecs = tuple(
        replace(codec, feedback=tuple(item for item in codec.feedback if item in FEEDBACK))
        for codec in select(offer.codecs, lambda codec: codec.key in known)
    )
    is_rejected = offer.is_rejected or not codecs
    native = NATIVE_EXTENSIONS[offer.kind]
    return MediaSection(
        offer.kind,
        offer.mid,
        port=0 if is_rejected else DISCARD_PORT,
        direction=Direction.of(send=False, receive=offer.direction.is_sending and not is_rejected),
        codecs=codecs or offer.codecs,
        extensions=tuple(item for item in offer.extensions if item.uri in native),
        rtcp_mux=True,
        rtcp_rsize=True,
    )


def _received(offer: MediaSection, answer: MediaSection) -> ReceivedSection:
    is_active = answer.direction.is_receiving
    pairs = [group.ssrcs for group in offer.ssrc_groups if group.semantics == "FID"]
    pair = next((pair for pair in pairs if len(pair) == 2), offer.ssrcs[:1])
    ssrc, rtx_ssrc = [*pair, None, None][:2] if is_active else (None, None)
    stream_id, track_id = offer.msid or ("", "")
    return ReceivedSection(
        mid=offer.mid,
        kind=offer.kind,
        is_active=is_active,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
        stream_id=stream_id,
        track_id=track_id,
        codecs={codec.payload_type: codec for codec in answer.codecs if codec.apt is None},
        rtx_payload_types={rtx: apt for apt, rtx in retransmissions(answer.codecs).items()},
        extensions={extension.uri: extension.id for extension in answer.extensions},
    )


def _preferred(kind: Kind, names: list[str]) -> tuple[Codec, ...]:
    """Give our codecs of these names, each followed by its rtx, in the order of the names."""
    ours = NATIVE_CODECS.get(kind, ())
    if not names:
        return ours
    chosen: list[Codec] = []
    for name in dict.fromkeys(names):
        chosen += select(ours, partial(_has_name, name))
    return tuple(chosen)


def _has_name(name: str, codec: Codec) -> bool:
    return codec.name.lower() == name


def _violation(reason: str) -> ProtocolError:
    return ProtocolError(f"A description was refused: {reason}.", stage=Stage.NEGOTIATION)


def _transport(description: SessionDescription) -> RemoteTransport:
    transport = description.transport
    if transport is None or not transport.fingerprints:
        raise _violation("it has no ICE credentials or no fingerprint")
    return transport


def _data(description: SessionDescription) -> DataParameters | None:
    for section in description.sections:
        port, size = section.sctp_port, section.max_message_size
        if port is not None and size is not None and not section.is_rejected:
            return DataParameters(port, size)
    return None


def _text(
    sections: Sequence[MediaSection],
    local: LocalTransport,
    setup: Setup,
    session_id: int,
    version: int,
) -> str:
    written = tuple(local.apply(section, setup) for section in sections)
    return write(
        SessionDescription(
            sections=written,
            bundle=tuple(section.mid for section in written if not section.is_rejected),
            extmap_allow_mixed=True,
            session_id=session_id,
            version=version,
        )
    )
