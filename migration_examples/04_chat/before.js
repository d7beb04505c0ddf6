// A chat on a data track: what is typed is sent, what arrives is shown with its sender.
const Video = require('twilio-video');

async function main(token, roomName) {
  const chat = new Video.LocalDataTrack({ name: 'chat' });
  const room = await Video.connect(token, { name: roomName, tracks: [chat] });
  const log = (text) => console.log(text);

  const trackSubscribed = (track, publication, participant) => {
    if (track.kind !== 'data') {
      return;
    }
    log(`${participant.identity} can be read`);
    track.on('message', (data) => {
      const message = JSON.parse(data);
      log(`${participant.identity}: ${message.text}`);
    });
  };

  room.participants.forEach((participant) => {
    participant.dataTracks.forEach((publication) => {
      if (publication.isSubscribed) {
        trackSubscribed(publication.track, publication, participant);
      }
    });
  });
  room.on('trackSubscribed', trackSubscribed);
  room.on('participantDisconnected', (participant) => log(`${participant.identity} left`));

  document.querySelector('#chat').onsubmit = (event) => {
    event.preventDefault();
    const text = event.target.elements.text.value;
    chat.send(JSON.stringify({ text }));
    log(`me: ${text}`);
  };
}
