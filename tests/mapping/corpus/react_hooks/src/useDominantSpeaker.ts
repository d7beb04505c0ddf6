import { useEffect, useState } from 'react';
import { useVideoContext } from './VideoProvider';

export default function useDominantSpeaker() {
  const { room } = useVideoContext();
  const [speaker, setSpeaker] = useState(null);
  useEffect(() => {
    if (room) {
      setSpeaker(room.dominantSpeaker); // @ Room.dominantSpeaker
      const changed = (next: unknown) => setSpeaker(next as never);
      room.on('dominantSpeakerChanged', changed); // @ Room#dominantSpeakerChanged
      return () => { room.off('dominantSpeakerChanged', changed); }; // @ Room#dominantSpeakerChanged
    }
  }, [room]);
  return speaker;
}
