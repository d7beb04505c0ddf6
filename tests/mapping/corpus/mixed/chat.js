const { io } = require('socket.io-client');
const room = io('/room');
room.on('participantConnected', participant => {
  participant.tracks.forEach(track => track.attach());
  console.log(participant.identity);
});
export const leave = () => room.disconnect();
