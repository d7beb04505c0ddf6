import React, { useEffect, useState } from 'react';
import { Call, CallAgent, CallClient, Features } from '@azure/communication-calling'; // @ import

export function App({ agent }: { agent: CallAgent }) {
  const [call, setCall] = useState<Call>();
  useEffect(() => {
    agent.on('callsUpdated', e => e.added.forEach(each => setCall(each))); // @ CallAgent#callsUpdated
  }, [agent]);
  const join = () => setCall(agent.join({ groupId: 'x' }, { audioOptions: { muted: true } })); // @ CallAgent.join, GroupCallLocator.groupId, JoinCallOptions.audioOptions, AudioOptions.muted
  const speakers = () => call?.feature(Features.CallDominantSpeakers); // @ Call.feature, Features.CallDominantSpeakers
  return <button onClick={call ? () => call.hangUp() : join}>{call?.state}</button>; // @ Call.hangUp, Call.state
}
