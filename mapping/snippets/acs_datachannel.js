import { Features } from '@azure/communication-calling';

async function chat(call) {
  const dataChannel = call.feature(Features.DataChannel);
  dataChannel.on('dataChannelReceiverCreated', (receiver) => {
    receiver.on('messageReady', () => {
      const { data } = receiver.readMessage();
      console.log(new TextDecoder().decode(data));
    });
  });
  const sender = dataChannel.createDataChannelSender({ channelId: 1000 });
  await sender.sendMessage(new TextEncoder().encode('hello'));
}
