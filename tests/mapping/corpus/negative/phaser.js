const track = game.add.track('music');
track.attach(scene);
track.setPriority(3);
game.room.participants.forEach(participant => participant.tracks.forEach(t => t.stop()));
