const room = {{{ ;;; room.on('participantConnected'
