const { Server } = require('socket.io');
const io = new Server(3000);
io.on('connection', socket => {
  socket.on('join', room => { socket.join(room); io.to(room).emit('participantConnected', socket.id); });
  socket.on('disconnected', () => io.emit('participantDisconnected', socket.id));
});
