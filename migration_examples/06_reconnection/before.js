// Tells what happens when a network goes: one's own, and that of others.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, { name: roomName, audio: false, video: false });
  const log = (text) => console.log(text);

  room.on('reconnecting', (error) => {
    if (error.code === 53001) {
      log('reconnecting: signaling was lost');
    } else if (error.code === 53405) {
      log('reconnecting: media was lost');
    }
  });
  room.on('reconnected', () => log(`reconnected: ${room.state}`));

  room.on('participantReconnecting', (participant) => {
    log(`${participant.identity} is ${participant.state}`);
  });
  room.on('participantReconnected', (participant) => {
    log(`${participant.identity} is ${participant.state}`);
  });
  room.on('participantDisconnected', (participant) => {
    log(`${participant.identity} is ${participant.state}`);
  });

  room.on('disconnected', (disconnectedRoom, error) => {
    if (error) {
      log(`disconnected: ${error.code} ${error.message}`);
    } else {
      log('disconnected');
    }
  });

  window.addEventListener('beforeunload', () => room.disconnect());
}
