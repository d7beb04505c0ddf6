import { useCallback, useEffect, useRef, useState } from 'react';
import Video, { ConnectOptions, LocalTrack, Room } from 'twilio-video'; // @ import

export default function useRoom(localTracks: LocalTrack[], onError: (e: Error) => void, options?: ConnectOptions) {
  const [room, setRoom] = useState<Room | null>(null);
  const optionsRef = useRef(options);
  useEffect(() => { optionsRef.current = options; }, [options]);

  const connect = useCallback((token: string) => {
    return Video.connect(token, { ...optionsRef.current, tracks: localTracks }).then( // @ connect, ConnectOptions.tracks
      newRoom => {
        setRoom(newRoom);
        const leave = () => newRoom.disconnect(); // @ Room.disconnect
        newRoom.once('disconnected', () => setTimeout(() => setRoom(null))); // @ Room#disconnected
        newRoom.localParticipant.videoTracks.forEach(publication => publication.setPriority('low')); // @ Room.localParticipant, LocalParticipant.videoTracks, LocalTrackPublication.setPriority
        window.addEventListener('beforeunload', leave);
      },
      error => onError(error)
    );
  }, [localTracks, onError]);
  return { room, connect };
}
