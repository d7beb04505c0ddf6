import type { NextApiRequest, NextApiResponse } from 'next';
import { jwt } from 'twilio'; // @ import
const { AccessToken } = jwt; // @ jwt.AccessToken
const { VideoGrant } = AccessToken; // @ AccessToken.VideoGrant, AccessToken?

export default function handler(req: NextApiRequest, res: NextApiResponse) {
  const token = new AccessToken(process.env.SID!, process.env.KEY!, process.env.SECRET!, { identity: 'x' }); // @ AccessToken
  token.addGrant(new VideoGrant({ room: String(req.query.room) })); // @ AccessToken.addGrant, VideoGrant, VideoGrantOptions.room
  res.json({ token: token.toJwt() }); // @ AccessToken.toJwt
}
