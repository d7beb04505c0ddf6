import React, { createContext, useContext, ReactNode } from 'react';
import { Room, TwilioError } from 'twilio-video'; // @ import
import useRoom from './useRoom';

interface VideoContextType { room: Room | null; onError: (error: TwilioError | Error) => void }
export const VideoContext = createContext<VideoContextType>(null!);

export function VideoProvider({ children, onError }: { children: ReactNode; onError: (e: Error) => void }) {
  const { room } = useRoom([], onError);
  return <VideoContext.Provider value={{ room, onError }}>{children}</VideoContext.Provider>;
}
export const useVideoContext = () => useContext(VideoContext);
