// A small Twilio Video program: who is here, who comes and goes, whose picture and sound arrives.
const Video = Twilio.Video; // with a bundler: const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, { name: roomName, audio: true, video: true, wsServer: 'ws://127.0.0.1:7780/signaling', wsServerInsights: 'ws://127.0.0.1:7780/v1/VideoEvents' });
  console.log(`connected to ${room.name}`);

  const participantConnected = (participant) => {
    console.log(`${participant.identity} is here`);
    participant.tracks.forEach((publication) => {
      if (publication.isSubscribed) {
        trackSubscribed(publication.track, publication, participant);
      }
    });
  };

  const trackSubscribed = (track, publication, participant) => {
    console.log(`${track.kind} of ${participant.identity} arrives`);
    if (track.kind !== 'data') {
      document.querySelector('#media').append(track.attach());
    }
  };

  const trackUnsubscribed = (track, publication, participant) => {
    console.log(`${track.kind} of ${participant.identity} ends`);
    if (track.kind !== 'data') {
      track.detach().forEach((element) => element.remove());
    }
  };

  room.participants.forEach(participantConnected);
  room.on('participantConnected', participantConnected);
  room.on('trackSubscribed', trackSubscribed);
  room.on('trackUnsubscribed', trackUnsubscribed);
  room.on('participantDisconnected', (participant) => {
    console.log(`${participant.identity} left`);
  });
  room.once('disconnected', () => console.log('disconnected'));

  window.addEventListener('beforeunload', () => room.disconnect());
}
