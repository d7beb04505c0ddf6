async function main(alice) {
  const room = await Twilio.Video.connect(alice, {
    name: 'daily',
    audio: true,
    video: false,
    networkQuality: { local: 2, remote: 1 },
  });
  const me = room.localParticipant;
  const measured = new Promise((resolve) => {
    me.once('networkQualityLevelChanged', (level, stats) => resolve({ level, stats }));
  });
  const { level, stats } = await measured;
  console.log(level >= 0 && level <= 5, stats.level === level, level === me.networkQualityLevel);
  room.disconnect();
}
