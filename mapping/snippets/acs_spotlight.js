import { Features } from '@azure/communication-calling';

async function shine(call) {
  const spotlight = call.feature(Features.Spotlight);
  await spotlight.startSpotlight(); // oneself; or an array of identifiers
  console.log(spotlight.getSpotlightedParticipants().length);
  await spotlight.stopAllSpotlight();
  console.log(spotlight.getSpotlightedParticipants().length);
}
