'use client';
import dynamic from 'next/dynamic';
import { useEffect, useRef } from 'react';
import type { Room } from 'twilio-video'; // @ import

export default function Call({ token }: { token: string }) {
  const roomRef = useRef<Room | null>(null);
  useEffect(() => {
    let cancelled = false;
    (async () => {
      const { connect } = await import('twilio-video'); // @ import
      const room = await connect(token, { region: 'de1' }); // @ connect, ConnectOptions.region
      if (cancelled) { room.disconnect(); return; } // @ Room.disconnect
      roomRef.current = room;
    })();
    return () => { cancelled = true; roomRef.current?.disconnect(); }; // @ Room.disconnect
  }, [token]);
  return <button onClick={() => roomRef.current?.localParticipant.videoTracks.forEach(p => p.unpublish())}>stop</button>; // @ Room.localParticipant, LocalParticipant.videoTracks, LocalTrackPublication.unpublish
}
