import { connect } from 'twilio-video'; // @ import
import { io } from 'socket.io-client';
const chat = io('/chat');
export async function join(token) {
  const room = await connect(token); // @ connect
  chat.on('message', participant => console.log(participant.identity));
  return room.on('participantConnected', p => chat.emit('hello', p.identity)); // @ Room#participantConnected, Participant.identity
}
