import { Room, RemoteParticipant } from 'livekit-client';
export async function open(token: string) {
  const room = new Room();
  room.on('participantConnected', (participant: RemoteParticipant) => console.log(participant.identity));
  await room.connect('wss://x', token);
  return room.localParticipant;
}
export const nameOf = (participant: RemoteParticipant) => participant.identity;
