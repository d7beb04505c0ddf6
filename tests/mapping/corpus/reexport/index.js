import { connect, LocalDataTrack } from './sdk';
const data = new LocalDataTrack(); // @ LocalDataTrack
connect('token', { tracks: [data] }).then(room => { // @ connect, ConnectOptions.tracks
  room.on('participantConnected', p => p.on('trackMessage', m => m)); // @ Room#participantConnected, RemoteParticipant#trackMessage
});
