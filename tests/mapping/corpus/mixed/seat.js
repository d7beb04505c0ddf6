export default function Seat({ participant, onTrack }) {
  participant.on('trackSubscribed', onTrack); // @ RemoteParticipant#trackSubscribed
  return participant.identity; // @ Participant.identity
}
