"""The service's side of the offers and answers of one connection.

Theory of operation. A connection is a list of sections that only grows; remote descriptions are
compared with it by index and mid. A section can carry one stream of the remote end (`received`) and
one of ours (`key`). Adding or removing a stream only notes the wish; it takes effect when the next
description is written, and `needs_offer` says whether an offer is due. A stream counts as accepted
when the description exchange that names it is complete, which is told as a change.

At most one offer of ours is outstanding. The service is the impolite peer: an offer that arrives
meanwhile is dropped with `GlareError`, and the remote end repeats it after its answer.

Fed by the transport of a connection; refuses descriptions that contradict what was agreed before,
and then changes nothing.

Source: RFC 8829 section 5 (which sections are kept, reused and recycled), RFC 8843 (BUNDLE). That a
reused section needs a fresh SSRC for Chromium and its old one for aiortc was measured with
Chromium 156 and aiortc 1.16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.rtc.formats import is_auxiliary
from acs_core.rtc.sdp import (
    MAX_SECTIONS,
    Codec,
    Kind,
    LocalTransport,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)
from acs_core.service.sfu.changes import (
    Accepted,
    Change,
    DataSection,
    GlareError,
    Layer,
    RefusalReason,
    RemoteIce,
    SsrcChanged,
    SsrcPolicy,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
    StreamRefused,
)
from acs_core.service.sfu.payload_tables import PayloadTables
from acs_core.service.sfu.sections import (
    NO_SSRCS,
    OutgoingStream,
    Said,
    Section,
    accepted_stream,
    check,
    describe,
    is_same_stream,
    merged_stream,
    received_stream,
    refuse,
    violation,
)

__all__ = [
    "Accepted",
    "Change",
    "DataSection",
    "GlareError",
    "Layer",
    "LocalTransport",
    "LocalTransportProvider",
    "Negotiation",
    "RefusalReason",
    "RemoteIce",
    "SsrcChanged",
    "SsrcPolicy",
    "StreamAccepted",
    "StreamEnded",
    "StreamReceived",
    "StreamRefused",
]

LocalTransportProvider: TypeAlias = Callable[[bool], LocalTransport]
"""Called once for each description that is really written; True asks for new ICE credentials."""


class Negotiation:
    """Offers and answers of one connection, as text in and text out.

    Args:
        session_id: For the o= line; constant for the connection.
        ssrc_policy: What the client at the other end needs.
        always_receive: Whether our offers invite streams on every section. Needed where the
            remote end publishes on the same connection: it may do so in an answer.
        new_ssrc: Gives a random 32-bit number at each call.
        codec_names: Encoding names in lower case that may be negotiated; None for all.
    """

    def __init__(
        self,
        *,
        session_id: int,
        ssrc_policy: SsrcPolicy,
        always_receive: bool,
        new_ssrc: Callable[[], int],
        codec_names: Collection[str] | None = None,
    ) -> None:
        self._session_id = session_id
        self._ssrc_policy = ssrc_policy
        self._always_receive = always_receive
        self._new_ssrc = new_ssrc
        self._tables = PayloadTables(codec_names)
        self._sections: list[Section] = []
        self._streams: dict[str, OutgoingStream] = {}
        self._kinds: dict[str, Kind] = {}
        self._own_ssrcs: set[int] = set()
        self._remote_ice: RemoteIce | None = None
        self._data: DataSection | None = None
        self._version = 0
        self._is_mixed_allowed = False
        self._is_outstanding = False
        self._is_repeat_due = False
        self._is_restart_requested = False
        self._is_data_wanted = False

    # ------------------------------------------------------------------------------ wishes

    def add_stream(
        self, key: str, kind: Kind, *, codecs: Sequence[str], stream_id: str, track_id: str
    ) -> None:
        """Send a stream as soon as the remote end accepts it; an offer is due then.

        Args:
            key: Names the stream in the changes.
            kind: ``audio`` or ``video``.
            codecs: Keys of the codecs that the publisher may send (`Codec.key`).
            stream_id: First word of the msid; streams that share it are played in sync.
            track_id: Second word of the msid.

        Raises:
            InvalidStateError: The key is in use.
            InvalidArgumentError: An id is not one word of ASCII, or the kind is not media.
        """
        if key in self._streams:
            raise InvalidStateError(f"Stream {key} was added before.", stage=Stage.NEGOTIATION)
        ids = (stream_id, track_id)
        if kind == "application" or not all(re.fullmatch(r"[!-~]+", id_) for id_ in ids):
            raise InvalidArgumentError(
                f"Stream {key} needs a media kind and ids of visible ASCII.",
                stage=Stage.NEGOTIATION,
            )
        self._streams[key] = OutgoingStream(key, kind, frozenset(codecs), ids)

    def described_codecs(self, kind: Kind) -> frozenset[str]:
        """Keys of all codecs of a kind that the remote end has ever described."""
        return self._tables.described(kind)

    def excludes(self, kind: Kind, codecs: Collection[str]) -> bool:
        """Whether a stream that may have these codecs is sure to be refused for them."""
        return self._tables.excludes(kind, codecs)

    def remove_stream(self, key: str) -> None:
        """Stop sending a stream; an offer is due if the remote end knew it.

        Raises:
            InvalidStateError: There is no such stream.
        """
        stream = self._streams.pop(key, None)
        if stream is None:
            raise InvalidStateError(f"There is no stream {key}.", stage=Stage.NEGOTIATION)
        if stream.section is not None:
            stream.section.key = None

    def want_data(self) -> None:
        """Ask for a data section, unless there is one."""
        self._is_data_wanted = True

    def request_ice_restart(self) -> None:
        """Let the next offer carry new ICE credentials."""
        self._is_restart_requested = True

    def take_unplaced(self) -> tuple[Change, ...]:
        """Streams for which no section is left, each told once; they go on waiting for one.

        Each exchange tells them, too. Ask after `add_stream`: where there is no room, no exchange
        need follow.
        """
        if self._is_outstanding:
            return ()  # The answer may free a section.
        reason = RefusalReason.NO_SECTION
        return tuple(
            change
            for stream in self._unplaced()
            if self._slot(stream.kind) is None
            for change in refuse(stream, reason, is_retried=True)
        )

    @property
    def has_outstanding_offer(self) -> bool:
        """Whether an offer of ours waits for its answer."""
        return self._is_outstanding

    @property
    def awaits_repeat(self) -> bool:
        """Whether the remote end will soon repeat an offer that was dropped with `GlareError`.

        Let it come first, for about a round trip: an offer of ours at once would cross it again,
        and so on. The remote end may also have lost interest, so do not wait for ever.
        """
        return self._is_repeat_due

    @property
    def needs_offer(self) -> bool:
        """Whether `create_offer` should be called now; never while an offer is outstanding."""
        if self._is_outstanding:
            return False
        return (
            self._is_restart_requested
            or self._data_slot() is not None
            or any(section.has_news for section in self._sections)
            or any(self._slot(stream.kind) is not None for stream in self._unplaced())
        )

    # -------------------------------------------------------------------------- exchanges

    def accept_offer(self, text: str, local: LocalTransportProvider) -> Accepted:
        """Take an offer and answer it.

        Raises:
            MalformedPacketError: The text cannot be read.
            ProtocolError: It contradicts what was agreed before.
            GlareError: Our own offer is outstanding.
        """
        description = parse(text)
        if len(description.sections) < len(self._sections) and not self._is_outstanding:
            raise violation("an offer has fewer sections than before")
        check(description, [s.kind for s in self._sections], self._kinds)
        if self._is_outstanding:
            self._note_rollback(description)
            self._is_repeat_due = True
            raise GlareError("Our own offer is outstanding.", stage=Stage.NEGOTIATION)
        self._is_repeat_due = False
        is_restart = self._is_ice_restart(description)
        transport = local(is_restart)
        changes = self._apply(description, is_offer=True)
        for section, remote in zip(self._sections, description.sections, strict=True):
            section.told = section.said(
                is_sending=remote.direction.is_receiving, is_receiving=section.received is not None
            )
        sections = [
            self._described(section, section.told, remote)
            for section, remote in zip(self._sections, description.sections, strict=True)
        ]
        answer = self._text(sections, transport, Setup.PASSIVE)
        return Accepted(answer, (*changes, *self.take_unplaced()), is_restart)

    def create_offer(self, local: LocalTransportProvider) -> str:
        """Write an offer with everything that is wished for.

        Raises:
            InvalidStateError: An offer is outstanding.
        """
        if self._is_outstanding:
            raise InvalidStateError("An offer is outstanding.", stage=Stage.NEGOTIATION)
        data_slot = self._data_slot()
        if data_slot is not None:
            self._open(data_slot, "application")
        for stream in self._unplaced():
            self._place(stream)
        for section in self._sections:
            is_receiving = section.received is not None or self._always_receive
            section.offered = section.said(is_sending=True, is_receiving=is_receiving)
        sections = [self._described(s, s.offered, s.remote) for s in self._sections]
        self._is_outstanding = True
        try:
            text = self._text(sections, local(self._is_restart_requested), Setup.ACTPASS)
        except BaseException:
            # Nobody will answer what was not written.
            self.cancel()
            raise
        self._is_repeat_due = False
        return text

    def accept_answer(self, text: str) -> tuple[Change, ...]:
        """Take the answer to our offer.

        Raises:
            MalformedPacketError: The text cannot be read.
            ProtocolError: It does not fit the offer, which stays outstanding.
            InvalidStateError: No offer is outstanding, for instance because it was cancelled.
        """
        if not self._is_outstanding:
            raise InvalidStateError("There is no offer to answer.", stage=Stage.NEGOTIATION)
        description = parse(text)
        mids = [section.mid for section in self._sections]
        if len(description.sections) != len(mids) or any(
            remote.mid != mid and not (remote.is_rejected and not remote.mid)
            for remote, mid in zip(description.sections, mids, strict=True)
        ):
            raise violation("an answer does not have the sections of the offer")
        check(description, [s.kind for s in self._sections], self._kinds)
        self._is_outstanding = self._is_restart_requested = False
        changes = self._apply(description, is_offer=False)
        for section in self._sections:
            if not section.is_rejected:
                section.told = section.offered
            section.replaced = None
            if section.is_rolled_back and section.key is not None:
                section.ssrcs = self._fresh_ssrcs()
            section.is_rolled_back = False
        return (*changes, *self.take_unplaced())

    def supersede(self) -> None:
        """The answer to our outstanding offer was lost; an offer that is newer than ours follows.

        The remote end can only have made that after it had applied ours.
        """
        if not self._is_outstanding:
            return
        self._is_outstanding = self._is_restart_requested = False
        for section in self._sections:
            section.is_described, section.replaced = True, None

    def cancel(self) -> None:
        """Forget the outstanding offer, if any; what it wished for is offered again later."""
        if not self._is_outstanding:
            return
        self._is_outstanding = False
        sections = [s if s.is_described else s.replaced for s in self._sections]
        kept = [section for section in sections if section is not None]
        for stream in self._streams.values():
            if stream.section is not None and not stream.section.is_described:
                stream.section = None
        self._sections = kept

    # ----------------------------------------------------------------- remote descriptions

    def _is_ice_restart(self, description: SessionDescription) -> bool:
        transport, known = description.transport, self._remote_ice
        if transport is None or known is None:
            return False
        # RFC 8839 section 5.4.1.1: a change of either restarts.
        return (transport.ice.ufrag, transport.ice.pwd) != (known.ufrag, known.pwd)

    def _note_rollback(self, dropped: SessionDescription) -> None:
        """Remember our sections that a dropped offer recycled for a stream of the remote end.

        The remote end rolls that offer back, and Chromium then shows nothing of our stream until
        it has another SSRC.
        """
        for section, remote in zip(self._sections, dropped.sections, strict=False):
            is_recycled = remote.direction.is_sending and section.received is None
            if is_recycled and section.mid == remote.mid and section.told.key is not None:
                section.is_rolled_back = self._ssrc_policy is SsrcPolicy.FRESH

    def _apply(self, description: SessionDescription, *, is_offer: bool) -> list[Change]:
        self._tables.learn(description)
        self._is_mixed_allowed = self._is_mixed_allowed or description.extmap_allow_mixed
        changes = self._transport_changes(description)
        for index, remote in enumerate(description.sections):
            changes += self._match(index, remote)
            changes += self._apply_section(self._sections[index], remote, is_offer)
        return changes

    def _transport_changes(self, description: SessionDescription) -> list[Change]:
        transport = description.transport
        if transport is None:
            return []
        ice, known = transport.ice, self._remote_ice
        found = RemoteIce(ice.ufrag, ice.pwd, transport.fingerprints, transport.setup)
        # An answer says "active" where the offer said "actpass"; that alone is no news.
        if known is not None and replace(found, setup=known.setup) == known:
            return []
        self._remote_ice = found
        return [found]

    def _match(self, index: int, remote: MediaSection) -> list[Change]:
        """Make sure that there is a section for `remote`; a slot may have got a new mid."""
        if index < len(self._sections) and remote.mid in {"", self._sections[index].mid}:
            return []
        section = Section(remote.mid, remote.kind)
        if remote.mid:
            self._kinds[remote.mid] = remote.kind
        if index == len(self._sections):
            self._sections.append(section)
            return []
        old, self._sections[index] = self._sections[index], section
        return self._retire(old)

    def _apply_section(
        self, section: Section, remote: MediaSection, is_offer: bool
    ) -> list[Change]:
        section.is_described = True
        if remote.is_rejected:
            return self._retire(section)
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
                return self._retire(section)
        is_invited = is_offer or section.offered.is_receiving
        is_sending = remote.direction.is_sending and is_invited and is_usable
        changes = self._apply_received(section, remote if is_sending else None, codecs)
        if section.key is not None and (is_offer or section.offered.key == section.key):
            changes += self._apply_outgoing(section, self._streams[section.key], remote, codecs)
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
            if stream.accepted is not None and self._ssrc_policy is SsrcPolicy.FRESH:
                section.ssrcs = self._fresh_ssrcs()
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

    def _retire(self, section: Section) -> list[Change]:
        """Give a section up; an accepted stream of ours on it waits for another section."""
        changes: list[Change] = []
        if section.received is not None:
            changes.append(StreamEnded(section.mid))
        if section.key is not None:
            stream = self._streams[section.key]
            # A stream that a fresh section was refused for would be refused again, for ever.
            stream.is_given_up = stream.accepted is None
            stream.section = stream.accepted = None
            reason = RefusalReason.SECTION_REJECTED
            changes.append(StreamRefused(stream.key, reason, is_retried=not stream.is_given_up))
        if section.kind == "application":
            self._is_data_wanted = False
        section.key = section.received = None
        section.is_rejected = True
        section.told = Said()
        return changes

    # -------------------------------------------------------------------- own descriptions

    def _unplaced(self) -> list[OutgoingStream]:
        streams = self._streams.values()
        return [s for s in streams if s.section is None and not s.is_given_up]

    def _data_slot(self) -> int | None:
        """Find the index for a data section; None if none is wanted, missing or possible."""
        kinds = {section.kind for section in self._sections if not section.is_rejected}
        is_missing = self._is_data_wanted and "application" not in kinds
        return self._slot("application") if is_missing else None

    def _slot(self, kind: Kind) -> int | None:
        """Find the index for a new section: one to reuse, a rejected one, or the end."""
        for index, section in enumerate(self._sections):
            if section.kind == kind and section.is_reusable:
                return index
        for index, section in enumerate(self._sections):
            if section.kind == kind and section.is_rejected and section.is_described:
                return index
        return len(self._sections) if len(self._sections) < MAX_SECTIONS else None

    def _place(self, stream: OutgoingStream) -> None:
        index = self._slot(stream.kind)
        if index is None:
            return
        section = self._open(index, stream.kind)
        section.key, stream.section = stream.key, section
        if section.ssrcs == NO_SSRCS or self._ssrc_policy is SsrcPolicy.FRESH:
            section.ssrcs = self._fresh_ssrcs()

    def _open(self, index: int, kind: Kind) -> Section:
        """Give the section to use at a slot, with a mid that was never used if it is a new one."""
        old = self._sections[index] if index < len(self._sections) else None
        if old is not None and old.is_reusable:
            return old
        letter = "d" if kind == "application" else "s"
        # No number of ours can clash with those that browsers and aiortc give: 0, 1, 2 ...
        mid = next(
            f"{letter}{n}" for n in range(len(self._kinds) + 1) if f"{letter}{n}" not in self._kinds
        )
        self._kinds[mid] = kind
        section = Section(mid, kind, is_own=True, replaced=old)
        self._sections[index : index + 1] = [section]
        return section

    def _fresh_ssrcs(self) -> tuple[int, int]:
        return self._fresh_ssrc(), self._fresh_ssrc()

    def _fresh_ssrc(self) -> int:
        ssrc = self._new_ssrc()
        while ssrc in self._own_ssrcs:
            ssrc = self._new_ssrc()
        self._own_ssrcs.add(ssrc)
        return ssrc

    def _described(self, section: Section, said: Said, remote: MediaSection | None) -> MediaSection:
        stream = None if said.key is None else self._streams[said.key]
        return describe(section, said, stream, remote, self._tables)

    def _text(
        self, sections: Iterable[MediaSection], transport: LocalTransport, setup: Setup
    ) -> str:
        self._version += 1
        written = tuple(transport.apply(section, setup, lite=True) for section in sections)
        return write(
            SessionDescription(
                sections=written,
                bundle=tuple(section.mid for section in written if not section.is_rejected),
                ice_lite=True,
                extmap_allow_mixed=self._is_mixed_allowed,
                session_id=self._session_id,
                version=self._version,
            )
        )
