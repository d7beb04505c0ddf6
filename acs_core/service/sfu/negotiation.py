"""The service's side of the offers and answers of one connection.

Theory of operation. A connection is a list of sections that only grows; remote descriptions are
compared with it by index and mid. A section can carry one stream of the remote end (`received`) and
one of ours (`key`). Adding or removing a stream only notes the wish (`Placement`); it takes effect
when the next description is written, and `needs_offer` says whether an offer is due. A stream
counts as accepted when the description exchange that names it is complete, which is told as a
change (`RemoteEnd`).

At most one offer of ours is outstanding. The service is the impolite peer: an offer that arrives
meanwhile is dropped with `GlareError`, and the remote end repeats it after its answer.

Fed by the transport of a connection; refuses descriptions that contradict what was agreed before,
and then changes nothing.

Source: RFC 8829 section 5 (offers and answers), RFC 8843 (BUNDLE).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.rtc.sdp import (
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
from acs_core.service.sfu.placement import Placement
from acs_core.service.sfu.remote import RemoteEnd
from acs_core.service.sfu.sections import (
    OutgoingStream,
    Said,
    Section,
    check,
    describe,
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
        self._always_receive = always_receive
        self._tables = PayloadTables(codec_names)
        self._placement = Placement(ssrc_policy, new_ssrc)
        self._remote = RemoteEnd(self._placement, self._tables)
        self._version = 0
        self._is_outstanding = False
        self._is_repeat_due = False
        self._is_restart_requested = False

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
        ids = (stream_id, track_id)
        if kind == "application" or not all(re.fullmatch(r"[!-~]+", id_) for id_ in ids):
            raise InvalidArgumentError(
                f"Stream {key} needs a media kind and ids of visible ASCII.",
                stage=Stage.NEGOTIATION,
            )
        self._placement.add(OutgoingStream(key, kind, frozenset(codecs), ids))

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
        self._placement.remove(key)

    def want_data(self) -> None:
        """Ask for a data section, unless there is one."""
        self._placement.is_data_wanted = True

    def request_ice_restart(self) -> None:
        """Let the next offer carry new ICE credentials."""
        self._is_restart_requested = True

    def take_unplaced(self) -> tuple[Change, ...]:
        """Streams for which no section is left, each told once; they go on waiting for one.

        Each exchange tells them, too. Ask after `add_stream`: where there is no room, no exchange
        need follow.
        """
        # The answer may free a section.
        return () if self._is_outstanding else self._placement.refuse_unplaced()

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
            or self._placement.has_work
            or any(section.has_news for section in self._sections)
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
        check(description, [s.kind for s in self._sections], self._placement.kinds)
        if self._is_outstanding:
            self._note_rollback(description)
            self._is_repeat_due = True
            raise GlareError("Our own offer is outstanding.", stage=Stage.NEGOTIATION)
        self._is_repeat_due = False
        is_restart = self._remote.is_ice_restart(description)
        transport = local(is_restart)
        changes = self._remote.apply(description, is_offer=True)
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
        self._placement.place_all()
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
        check(description, [s.kind for s in self._sections], self._placement.kinds)
        self._is_outstanding = self._is_restart_requested = False
        changes = self._remote.apply(description, is_offer=False)
        for section in self._sections:
            if not section.is_rejected:
                section.told = section.offered
            section.replaced = None
            if section.is_rolled_back and section.key is not None:
                section.ssrcs = self._placement.fresh_ssrcs()
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
        self._placement.restore()

    # ------------------------------------------------------------------------ descriptions

    @property
    def _sections(self) -> Sequence[Section]:
        return self._placement.sections

    def _note_rollback(self, dropped: SessionDescription) -> None:
        """Remember our sections that a dropped offer recycled for a stream of the remote end.

        The remote end rolls that offer back, and Chromium then shows nothing of our stream until
        it has another SSRC.
        """
        for section, remote in zip(self._sections, dropped.sections, strict=False):
            is_recycled = remote.direction.is_sending and section.received is None
            if is_recycled and section.mid == remote.mid and section.told.key is not None:
                section.is_rolled_back = self._placement.ssrc_policy is SsrcPolicy.FRESH

    def _described(self, section: Section, said: Said, remote: MediaSection | None) -> MediaSection:
        stream = None if said.key is None else self._placement.streams[said.key]
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
                extmap_allow_mixed=self._remote.is_mixed_allowed,
                session_id=self._session_id,
                version=self._version,
            )
        )
