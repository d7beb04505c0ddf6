import React, { useEffect, useState } from 'react';
import { RemoteParticipant } from 'twilio-video'; // @ import
import { useVideoContext } from './VideoProvider';

export default function ParticipantList() {
  const { room } = useVideoContext();
  const [participants, setParticipants] = useState<RemoteParticipant[]>([]);
  useEffect(() => {
    if (!room) return;
    const joined = (participant: RemoteParticipant) => setParticipants(all => [...all, participant]);
    const left = (participant: RemoteParticipant) => setParticipants(all => all.filter(p => p !== participant));
    room.on('participantConnected', joined); // @ Room#participantConnected
    room.on('participantDisconnected', left); // @ Room#participantDisconnected
    return () => {
      room.off('participantConnected', joined); // @ Room#participantConnected
      room.off('participantDisconnected', left); // @ Room#participantDisconnected
    };
  }, [room]);
  return <ul>{participants.map(p => <li key={p.sid}>{p.identity}</li>)}</ul>; // @ Participant.sid, Participant.identity
}
