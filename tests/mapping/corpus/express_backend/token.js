const AccessToken = require('twilio').jwt.AccessToken; // @ import, jwt, jwt.AccessToken
const VideoGrant = AccessToken.VideoGrant; // @ AccessToken.VideoGrant, AccessToken?

module.exports = function tokenFor(identity, room) {
  const token = new AccessToken(process.env.SID, process.env.KEY, process.env.SECRET, { identity }); // @ AccessToken
  const grant = new VideoGrant(); // @ VideoGrant
  grant.room = room; // @ VideoGrant.room
  token.addGrant(grant); // @ AccessToken.addGrant
  return token.toJwt(); // @ AccessToken.toJwt
};
