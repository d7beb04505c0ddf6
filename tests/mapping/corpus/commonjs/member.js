const connect = require('twilio-video').connect; // @ import, connect
connect('token').then(room => { // @ connect
  room.on('recordingStarted', () => console.log('rec')); // @ Room#recordingStarted
  room.on('recordingStoped', () => console.log('stop')); // @ Room#recordingStoped
  console.log(room.isRecording, room.mediaRegion); // @ Room.isRecording, Room.mediaRegion
});
