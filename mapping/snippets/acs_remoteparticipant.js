function watch(call) {
  call.on('remoteParticipantsUpdated', ({ added, removed }) => {
    added.forEach((participant) => console.log(`${participant.displayName} came`));
    removed.forEach(({ displayName, state }) => console.log(`${displayName} is ${state}`));
  });
}
