import os
from flask import Flask, request
from twilio.jwt.access_token import AccessToken  # @ import
from twilio.jwt.access_token.grants import VideoGrant  # @ import
from twilio.rest import Client  # @ import

app = Flask(__name__)
client = Client(os.environ["KEY"], os.environ["SECRET"], os.environ["SID"])  # @ Client


def find_or_create_room(name):
    try:
        client.video.rooms(name).fetch()  # @ Client.video, video.rooms, video.rooms.fetch
    except Exception:
        client.video.rooms.create(unique_name=name, type="go")  # @ Client.video, video.rooms, video.rooms.create


@app.route("/token", methods=["POST"])
def token():
    find_or_create_room(request.json["room"])
    access = AccessToken(os.environ["SID"], os.environ["KEY"], os.environ["SECRET"], identity="me")  # @ AccessToken
    access.add_grant(VideoGrant(room=request.json["room"]))  # @ AccessToken.addGrant, VideoGrant, VideoGrantOptions.room
    return {"token": access.to_jwt()}  # @ AccessToken.toJwt
