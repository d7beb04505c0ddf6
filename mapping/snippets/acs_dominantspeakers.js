import { Features } from '@azure/communication-calling';

function watch(call) {
  const feature = call.feature(Features.DominantSpeakers);
  feature.on('dominantSpeakersChanged', () => {
    const [loudest] = feature.dominantSpeakers.speakersList;
    console.log(loudest && loudest.communicationUserId);
  });
}
