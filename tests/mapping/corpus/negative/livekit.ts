import { Room, RoomEvent, Track } from 'livekit-client';
const room = new Room({ adaptiveStream: true });
room.on(RoomEvent.TrackSubscribed, track => document.body.append(track.attach()));
room.on('participantConnected', participant => console.log(participant.identity));
await room.connect('wss://x', 'token');
await room.localParticipant.setCameraEnabled(true);
