import { CallClient } from '@azure/communication-calling';
import { AzureCommunicationTokenCredential } from '@azure/communication-common';

async function main(anna) {
  const callClient = new CallClient();
  const credential = new AzureCommunicationTokenCredential(anna);
  const callAgent = await callClient.createCallAgent(credential, { displayName: 'Anna' });
  const deviceManager = await callClient.getDeviceManager();
  console.log(callAgent.displayName, deviceManager === (await callClient.getDeviceManager()));
  await callAgent.dispose();
}
