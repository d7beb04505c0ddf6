import { VideoSDK } from '@videosdk.live/js-sdk';

async function main(token) {
  VideoSDK.config(token);
  const meeting = VideoSDK.initMeeting({
    meetingId: 'daily',
    name: 'Ann',
    micEnabled: false,
    webcamEnabled: false,
  });
  meeting.on('meeting-joined', () => console.log(`${meeting.localParticipant.displayName} joined`));
  meeting.on('meeting-left', () => console.log('left'));
  const joined = new Promise((resolve) => meeting.once('meeting-joined', resolve));
  meeting.join();
  await joined;
  console.log(meeting.participants.size);
  meeting.leave();
}
