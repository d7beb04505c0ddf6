import { CallClient, Features } from '@azure/communication-calling';
import { AzureCommunicationTokenCredential } from '@azure/communication-common';

async function main(anna) {
  const callAgent = await new CallClient().createCallAgent(
    new AzureCommunicationTokenCredential(anna),
  );
  const call = callAgent.join({ groupId: '6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11' });
  await new Promise((resolve) => {
    call.on('stateChanged', () => call.state === 'Connected' && resolve());
  });
  call.on('isMutedChanged', () => console.log(`muted: ${call.isMuted}`));
  await call.mute();
  await call.unmute();
  // In 2020: call.api(Features.Recording)
  console.log(`recorded: ${call.feature(Features.Recording).isRecordingActive}`);
  await call.hangUp();
  console.log(call.state, call.callEndReason.code);
}
