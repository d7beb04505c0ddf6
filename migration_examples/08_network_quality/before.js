// Bars that show how good everybody's network is, one's own included.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, {
    name: roomName,
    audio: true,
    video: true,
    networkQuality: { local: 1, remote: 1 },
  });
  const log = (text) => console.log(text);
  const shown = new Map();

  const show = (participant, level) => {
    const bars = level === 0 ? 'no bars' : level < 3 ? 'few bars' : 'many bars';
    if (level !== null && shown.get(participant.identity) !== bars) {
      shown.set(participant.identity, bars);
      log(participant === room.localParticipant ? `I have ${bars}` : `${participant.identity} has ${bars}`);
    }
  };

  const follow = (participant) => {
    show(participant, participant.networkQualityLevel);
    participant.on('networkQualityLevelChanged', (level) => show(participant, level));
  };

  follow(room.localParticipant);
  room.participants.forEach(follow);
  room.on('participantConnected', follow);

  window.addEventListener('beforeunload', () => room.disconnect());
}
