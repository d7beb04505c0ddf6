import { CallClient, Features, LocalVideoStream, VideoStreamRenderer } from '@azure/communication-calling'; // @ import
import { AzureCommunicationTokenCredential } from '@azure/communication-common'; // @ import
let call, callAgent, deviceManager;

export async function init(token) {
  const callClient = new CallClient(); // @ CallClient
  callAgent = await callClient.createCallAgent(new AzureCommunicationTokenCredential(token), { displayName: 'Ada' }); // @ CallClient.createCallAgent, AzureCommunicationTokenCredential, CallAgentOptions.displayName
  deviceManager = await callClient.getDeviceManager(); // @ CallClient.getDeviceManager
  await deviceManager.askDevicePermission({ audio: true, video: true }); // @ DeviceManager.askDevicePermission, PermissionConstraints.audio?, PermissionConstraints.video?
  callAgent.on('incomingCall', async args => { // @ CallAgent#incomingCall
    call = await args.incomingCall.accept(); // @ IncomingCall.accept
    subscribe(call);
  });
}
export async function dial(userId) {
  const cameras = await deviceManager.getCameras(); // @ DeviceManager.getCameras
  const stream = new LocalVideoStream(cameras[0]); // @ LocalVideoStream
  call = callAgent.startCall([{ communicationUserId: userId }], { videoOptions: { localVideoStreams: [stream] } }); // @ CallAgent.startCall, JoinCallOptions.videoOptions, VideoOptions.localVideoStreams
  subscribe(call);
}
function subscribe(call) {
  call.on('stateChanged', () => { if (call.state === 'Disconnected') console.log(call.callEndReason); }); // @ Call#stateChanged, Call.state, Call.callEndReason
  call.on('remoteParticipantsUpdated', e => { // @ Call#remoteParticipantsUpdated
    e.added.forEach(participant => {
      participant.on('videoStreamsUpdated', v => v.added.forEach(show)); // @ RemoteParticipant#videoStreamsUpdated
      participant.videoStreams.forEach(show); // @ RemoteParticipant.videoStreams
    });
  });
  call.feature(Features.Recording).on('isRecordingActiveChanged', () => {}); // @ Call.feature, Features.Recording, RecordingCallFeature#isRecordingActiveChanged
}
async function show(stream) {
  stream.on('isAvailableChanged', async () => { // @ RemoteVideoStream#isAvailableChanged
    if (!stream.isAvailable) return; // @ RemoteVideoStream.isAvailable
    const renderer = new VideoStreamRenderer(stream); // @ VideoStreamRenderer
    const view = await renderer.createView({ scalingMode: 'Crop' }); // @ VideoStreamRenderer.createView, CreateViewOptions.scalingMode
    document.body.append(view.target); // @ VideoStreamRendererView.target
  });
}
export const end = () => call.hangUp({ forEveryone: true }); // @ Call.hangUp, HangUpOptions.forEveryone
export const mute = on => (on ? call.mute() : call.unmute()); // @ Call.mute, Call.unmute
