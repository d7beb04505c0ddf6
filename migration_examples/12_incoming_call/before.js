// Calls between two people: Twilio has rooms only, so who is called hears of it in a lobby.
const Video = require('twilio-video');

async function main(token, lobbyName) {
  const bell = new Video.LocalDataTrack({ name: 'bell' });
  const lobby = await Video.connect(token, { name: lobbyName, tracks: [bell] });
  const me = lobby.localParticipant.identity;
  const log = (text) => console.log(text);
  let ringing = null;
  let room = null;

  const heard = (text, participant) => {
    const message = JSON.parse(text);
    if (message.call === me) {
      ringing = { room: message.room, from: participant.identity };
      log(`${ringing.from} calls`);
    } else if (message.cancel && ringing && message.cancel === ringing.room) {
      log(`${ringing.from} gave up`);
      ringing = null;
    }
  };

  const follow = (track, publication, participant) => {
    if (track.kind === 'data') {
      log(`${participant.identity} can call`);
      track.on('message', (text) => heard(text, participant));
    }
  };

  const decline = () => {
    bell.send(JSON.stringify({ declined: ringing.room }));
    log('declined');
    ringing = null;
  };

  const answer = async () => {
    room = await Video.connect(token, { name: ringing.room, audio: true, video: false });
    ringing = null;
    room.participants.forEach((participant) => log(`in a call with ${participant.identity}`));
    room.on('participantConnected', (participant) => log(`in a call with ${participant.identity}`));
    room.on('participantDisconnected', (participant) => {
      log(`${participant.identity} hung up`);
      room.disconnect();
    });
  };

  lobby.participants.forEach((participant) => {
    participant.dataTracks.forEach((publication) => {
      if (publication.isSubscribed) {
        follow(publication.track, publication, participant);
      }
    });
  });
  lobby.on('trackSubscribed', follow);

  document.querySelector('#answer').onclick = answer;
  document.querySelector('#decline').onclick = decline;
  window.addEventListener('beforeunload', () => lobby.disconnect());
}
