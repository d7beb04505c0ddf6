import { LocalVideoTrack, RemoteVideoTrack } from 'twilio-video'; // @ import
export type IVideoTrack = LocalVideoTrack | RemoteVideoTrack;
declare module 'twilio-video' {
  interface LocalParticipant { setBandwidthProfile: (profile: unknown) => void }
}
