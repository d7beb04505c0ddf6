async function show(callClient) {
  const deviceManager = await callClient.getDeviceManager();
  const { audio, video } = await deviceManager.askDevicePermission({ audio: true, video: true });
  console.log(audio, video);
  const microphones = await deviceManager.getMicrophones();
  await deviceManager.selectMicrophone(microphones[0]);
  console.log(deviceManager.selectedMicrophone === microphones[0]);
}
