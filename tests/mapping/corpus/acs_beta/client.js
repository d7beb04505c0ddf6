import { CallClient, Features, LocalVideoStream, Renderer } from '@azure/communication-calling'; // @ import

export async function run(credential, id) {
  const client = new CallClient({}); // @ CallClient
  const agent = await client.createCallAgent(credential); // @ CallClient.createCallAgent
  const manager = await client.getDeviceManager(); // @ CallClient.getDeviceManager
  const camera = manager.getCameraList()[0]; // @ DeviceManager.getCameraList
  const call = agent.call([{ communicationUserId: id }], { videoOptions: { localVideoStreams: [new LocalVideoStream(camera)] } }); // @ CallAgent.call, JoinCallOptions.videoOptions, VideoOptions.localVideoStreams, LocalVideoStream
  call.on('callStateChanged', () => console.log(call.state, call.isMicrophoneMuted)); // @ Call#callStateChanged, Call.state, Call.isMicrophoneMuted
  call.api(Features.Transfer).on('transferRequested', args => args.accept()); // @ Call.api, Features.Transfer, TransferCallFeature#transferRequested, TransferRequestedEventArgs.accept
  const renderer = new Renderer(call.remoteParticipants[0].videoStreams[0]); // @ Renderer, Call.remoteParticipants, RemoteParticipant.videoStreams
  const view = await renderer.createView({ mirrored: true }); // @ Renderer.createView, RendererOptions.mirrored
  return view.target; // @ RendererView.target
}
