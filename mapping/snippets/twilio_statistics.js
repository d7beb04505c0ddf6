async function main(alice) {
  const room = await Twilio.Video.connect(alice, { name: 'daily', audio: true, video: false });
  const [publication] = room.localParticipant.audioTracks.values();
  const [report] = await room.getStats();
  const [audio] = report.localAudioTrackStats;
  console.log(audio.trackSid === publication.trackSid);
  console.log(report.remoteVideoTrackStats.length);
  room.disconnect();
}
