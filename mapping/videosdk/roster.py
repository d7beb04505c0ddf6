"""Who is in a meeting and what they send, followed from the features of a call.

Theory of operation. `follow` reads what is there and begins to listen, in one step, so nothing is
missed between the two; `announce` then tells it, after `meeting-joined`. From then on every event
of `Features.STREAMS` ends in the same question: is this publication received and enabled? The
answer is a stream that is there or not.
"""

from __future__ import annotations

from collections.abc import Callable

from acs_core import (
    Call,
    CallEndReason,
    CallEvent,
    ConnectionState,
    DominantSpeakersEvent,
    Features,
    LocalPublication,
    PublicationKind,
    RemoteEndpoint,
    RemotePublication,
    StreamsEvent,
)
from acs_core.client.emitter import Emitter, TaskOwner
from mapping.videosdk.errors import reason_of
from mapping.videosdk.events import MeetingEvent
from mapping.videosdk.participant import Participant
from mapping.videosdk.stream import KINDS, Perform, Stream, Switch
from twilio_compat import LiveMap

__all__ = ["Roster"]

_LOCAL_CHANGES = (
    CallEvent.IS_MUTED_CHANGED,
    CallEvent.LOCAL_AUDIO_STREAMS_UPDATED,
    CallEvent.LOCAL_VIDEO_STREAMS_UPDATED,
)


class Roster:
    """The participants of one meeting.

    Attributes:
        participants: The others by id, in order of arrival; live.
        active_speaker: Id of who speaks; None in silence.
        active_presenter: Id of who shares a screen; None when nobody does.
    """

    def __init__(
        self,
        local: Participant,
        emit: Callable[..., bool],
        perform: Perform,
        tasks: TaskOwner,
    ) -> None:
        self._local = local
        self._emit = emit
        self._perform = perform
        self._tasks = tasks
        self._call: Call | None = None
        self._remote: dict[str, Participant] = {}
        self._streams: dict[str, Stream] = {}
        self.participants = LiveMap(self._remote)
        self.active_speaker: str | None = None
        self.active_presenter: str | None = None

    def follow(self, call: Call) -> None:
        """Take who is there, and listen; nothing is told yet."""
        self._call = call
        self._local._set_id(call.id)
        for endpoint in call.feature(Features.STREAMS).endpoints:
            if endpoint.state is not ConnectionState.CONNECTING:
                self._admit(endpoint)
        for emitter, event, listener in self._subscriptions(call):
            emitter.on(event, listener)

    def announce(self) -> None:
        """Tell what `follow` found: participants, what they send, who speaks."""
        for participant in tuple(self._remote.values()):
            self._emit(MeetingEvent.PARTICIPANT_JOINED, participant)
        for publication in self._joined.feature(Features.STREAMS).publications.values():
            self._publication_changed(publication)
        self._local_changed()
        self._speakers_changed()

    def end(self) -> None:
        """Listen no longer, and take that nothing is sent or received any more."""
        for emitter, event, listener in self._subscriptions(self._joined):
            emitter.off(event, listener)
        for participant in (self._local, *self._remote.values()):
            participant._end()

    # ------------------------------------------------------------ what `acs_core` says

    def _subscriptions(self, call: Call) -> list[tuple[Emitter, str, Callable[..., object]]]:
        streams, speakers = call.feature(Features.STREAMS), Features.DOMINANT_SPEAKERS
        return [
            (streams, StreamsEvent.ENDPOINT_ADDED, self._endpoint_changed),
            (streams, StreamsEvent.ENDPOINT_STATE_CHANGED, self._endpoint_changed),
            (streams, StreamsEvent.ENDPOINT_REMOVED, self._endpoint_removed),
            (streams, StreamsEvent.SUBSCRIBED, self._publication_changed),
            (streams, StreamsEvent.UNSUBSCRIBED, self._publication_changed),
            (streams, StreamsEvent.PUBLICATION_CHANGED, self._publication_changed),
            (streams, StreamsEvent.PUBLICATION_REMOVED, self._publication_removed),
            *((call, event, self._local_changed) for event in _LOCAL_CHANGES),
            (
                call.feature(speakers),
                DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED,
                self._speakers_changed,
            ),
        ]

    def _endpoint_changed(self, endpoint: RemoteEndpoint) -> None:
        # VideoSDK has no event for who is lost and comes back; who connects is not there yet.
        if endpoint.id not in self._remote and endpoint.state is not ConnectionState.CONNECTING:
            self._emit(MeetingEvent.PARTICIPANT_JOINED, self._admit(endpoint))
            for publication in endpoint.publications:
                self._publication_changed(publication)

    def _endpoint_removed(self, endpoint: RemoteEndpoint, reason: CallEndReason) -> None:
        participant = self._remote.pop(endpoint.id, None)
        if participant is None:
            return
        participant._end()
        self._presenter_changed()
        self._emit(MeetingEvent.PARTICIPANT_LEFT, participant, reason_of(reason))
        self._speakers_changed()

    def _publication_changed(self, publication: RemotePublication, *_: object) -> None:
        participant = self._remote.get(publication.endpoint.id)
        if participant is None or publication.kind not in KINDS:
            return
        stream = self._stream_of(publication)
        if (publication.is_subscribed or stream.paused) and publication.is_enabled:
            participant._enable(stream)
        else:
            participant._disable(publication.id)
        self._presenter_changed()

    def _publication_removed(self, publication: RemotePublication) -> None:
        self._streams.pop(publication.id, None)
        participant = self._remote.get(publication.endpoint.id)
        if participant is not None:
            # A paused stream does not end by not being received any more.
            participant._disable(publication.id)
            self._presenter_changed()

    def _local_changed(self, *_: object) -> None:
        call = self._joined
        offered = {
            publication.id: publication
            for publication in call.feature(Features.STREAMS).local_publications
            if publication.kind in KINDS
            and not (publication.kind is PublicationKind.AUDIO and call.is_muted)
        }
        for stream_id in tuple(self._local.streams):
            if stream_id not in offered:
                self._local._disable(stream_id)
        for publication in offered.values():
            self._local._enable(self._stream_of(publication))
        self._presenter_changed()

    def _speakers_changed(self) -> None:
        speaker = self._joined.feature(Features.DOMINANT_SPEAKERS).dominant_endpoint
        if speaker not in self._remote and speaker != self._local.id:
            speaker = None
        if speaker != self.active_speaker:
            self.active_speaker = speaker
            self._emit(MeetingEvent.SPEAKER_CHANGED, speaker)

    # ------------------------------------------------------------ inside

    @property
    def _joined(self) -> Call:
        assert self._call is not None  # Everything but `follow` comes after it.
        return self._call

    def _admit(self, endpoint: RemoteEndpoint) -> Participant:
        def on() -> set[str]:
            return {
                KINDS[publication.kind]
                for publication in endpoint.publications
                if publication.is_enabled and publication.kind in KINDS
            }

        participant = Participant(endpoint.display_name, self._tasks, id_=endpoint.id, on=on)
        self._remote[endpoint.id] = participant
        return participant

    def _stream_of(self, publication: LocalPublication | RemotePublication) -> Stream:
        stream = self._streams.get(publication.id)
        if stream is None:
            switch = None
            if isinstance(publication, RemotePublication):
                switch = self._switch(publication)
            stream = self._streams[publication.id] = Stream(publication, switch)
        return stream

    def _switch(self, publication: RemotePublication) -> Switch:
        policy = self._joined.feature(Features.RECEIVE_POLICY)

        async def send(is_on: bool) -> None:
            if publication.kind is not PublicationKind.AUDIO:
                await policy.hint(publication, enabled=is_on)
            elif is_on:
                await policy.subscribe(publication)
            else:
                await policy.unsubscribe(publication)

        return Switch(send, self._perform)

    def _presenter_changed(self) -> None:
        everybody = (self._local, *self._remote.values())
        found = (one.id for one in everybody if one._of_kind("share") is not None)
        presenter = next(found, None)
        if presenter != self.active_presenter:
            self.active_presenter = presenter
            self._emit(MeetingEvent.PRESENTER_CHANGED, presenter)
