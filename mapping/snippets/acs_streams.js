import { LocalVideoStream } from '@azure/communication-calling';

async function sendVideo(callClient, call) {
  const deviceManager = await callClient.getDeviceManager();
  const [camera] = await deviceManager.getCameras();
  const stream = new LocalVideoStream(camera);
  await call.startVideo(stream);
  console.log(call.isLocalVideoStarted, call.localVideoStreams.length);
  await call.stopVideo(stream);
  console.log(call.isLocalVideoStarted, call.localVideoStreams.length);
}
