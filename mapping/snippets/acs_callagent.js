import { CallClient } from '@azure/communication-calling';
import { AzureCommunicationTokenCredential } from '@azure/communication-common';

async function main(anna) {
  const callClient = new CallClient();
  const credential = new AzureCommunicationTokenCredential(anna);
  const callAgent = await callClient.createCallAgent(credential, { displayName: 'Anna' });
  callAgent.on('callsUpdated', ({ added, removed }) => {
    console.log(`${added.length} more, ${removed.length} less`);
  });

  const call = callAgent.join({ groupId: '6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11' });
  console.log(callAgent.calls.length, call.direction);
  await new Promise((resolve) => {
    call.on('stateChanged', () => call.state === 'Connected' && resolve());
  });
  await call.hangUp();
  console.log(callAgent.calls.length);
}
