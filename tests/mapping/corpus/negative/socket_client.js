import { io } from 'socket.io-client';
const room = io('/room');
room.on('participantConnected', participant => show(participant.identity));
room.on('disconnected', () => room.connect());
room.localParticipant = { identity: 'me' };
