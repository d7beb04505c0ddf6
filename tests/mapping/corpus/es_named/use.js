import { enter } from './join';

export async function start(token) {
  const room = await enter(token, () => {});
  room.on('dominantSpeakerChanged', speaker => highlight(speaker && speaker.sid)); // @ Room#dominantSpeakerChanged, Participant.sid
  for (const [sid, participant] of room.participants) { // @ Room.participants
    participant.setVolume?.(1); // @ RemoteParticipant.setVolume
    console.log(sid, participant.networkQualityLevel); // @ Participant.networkQualityLevel
  }
  const names = Array.from(room.participants.values()).map(p => p.identity); // @ Room.participants, Participant.identity
  return [names, await room.getStats()]; // @ Room.getStats
}
