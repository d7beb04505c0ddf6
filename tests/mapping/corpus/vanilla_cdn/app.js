window.addEventListener('load', function () {
  var video = window.Twilio.Video; // @ import
  var activeRoom = null;
  document.querySelector('#join').onclick = function () {
    video.connect(token(), { name: 'demo', video: { width: 640 } }).then(joined, failed); // @ connect, ConnectOptions.name, ConnectOptions.video
  };
  function joined(room) {
    activeRoom = room;
    console.log('in ' + room.name + ' as ' + room.localParticipant.identity); // @ Room.name, Room.localParticipant, Participant.identity
    room.once('disconnected', function (room, error) { // @ Room#disconnected
      room.localParticipant.tracks.forEach(function (publication) { // @ Room.localParticipant, LocalParticipant.tracks
        publication.track.stop(); // @ LocalTrackPublication.track, LocalAudioTrack.stop
      });
    });
  }
  function failed(error) { console.error(error.message); }
  document.querySelector('#leave').onclick = function () { if (activeRoom) activeRoom.disconnect(); }; // @ Room.disconnect
});
