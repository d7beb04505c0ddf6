import type { LocalParticipant, RemoteParticipant, RemoteTrack, RemoteTrackPublication, Room } from 'twilio-video'; // @ import

export interface Seat { participant: RemoteParticipant; priority: number }

export function seats(room: Room): Seat[] {
  return [...room.participants.values()].map(participant => ({ participant, priority: participant.videoTracks.size })); // @ Room.participants, RemoteParticipant.videoTracks
}
export function watch(seat: Seat, onTrack: (track: RemoteTrack) => void): void {
  seat.participant.on('trackSubscribed', onTrack); // @ RemoteParticipant#trackSubscribed
  seat.participant.on('trackUnsubscribed', (track: RemoteTrack, publication: RemoteTrackPublication) => { // @ RemoteParticipant#trackUnsubscribed
    console.log(publication.trackName, track.kind); // @ TrackPublication.trackName, AudioTrack.kind
  });
}
export function isLocal(p: LocalParticipant | RemoteParticipant): p is LocalParticipant {
  return 'publishTrack' in p && p.state === 'connected'; // @ Participant.state
}
