import { Features } from '@azure/communication-calling';

async function ask(call) {
  const raiseHand = call.feature(Features.RaiseHand);
  await raiseHand.raiseHand();
  console.log(raiseHand.getRaisedHands().length);
  await raiseHand.lowerHand();
  console.log(raiseHand.getRaisedHands().length);
}
