import { VideoSDK } from '@videosdk.live/js-sdk';

async function main(ann, ben) {
  const enter = async (token, name, micEnabled) => {
    VideoSDK.config(token);
    const options = { meetingId: 'daily', name, micEnabled, webcamEnabled: false };
    const meeting = VideoSDK.initMeeting(options);
    const joined = new Promise((resolve) => meeting.once('meeting-joined', resolve));
    meeting.join();
    await joined;
    return meeting;
  };
  const first = await enter(ann, 'Ann', false);
  const came = new Promise((resolve) => first.once('participant-joined', resolve));
  const second = await enter(ben, 'Ben', false);
  const participant = await came;
  console.log(participant.displayName, participant.micOn, participant.webcamOn);
  second.leave();
  first.leave();
}
