import { VideoSDK } from '@videosdk.live/js-sdk';

async function main(ann, ben) {
  const enter = async (token, name) => {
    VideoSDK.config(token);
    const silent = { micEnabled: false, webcamEnabled: false };
    const meeting = VideoSDK.initMeeting({ meetingId: 'daily', name, ...silent });
    const joined = new Promise((resolve) => meeting.once('meeting-joined', resolve));
    meeting.join();
    await joined;
    return meeting;
  };
  const first = await enter(ann, 'ann');
  const came = new Promise((resolve) => first.once('participant-joined', resolve));
  const second = await enter(ben, 'ben');
  const participant = await came;
  console.log(participant.displayName, participant.micOn, participant.webcamOn);
  second.leave();
  first.leave();
}
