async function listen(callAgent) {
  callAgent.on('incomingCall', async ({ incomingCall }) => {
    console.log(`${incomingCall.callerInfo.displayName} calls`);
    const call = await incomingCall.accept(); // or incomingCall.reject()
    console.log(call.direction);
  });
}
