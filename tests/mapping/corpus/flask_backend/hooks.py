from flask import Blueprint, abort, request
from twilio.request_validator import RequestValidator  # @ import

hooks = Blueprint("hooks", __name__)
validator = RequestValidator("secret")  # @ RequestValidator


@hooks.post("/room")
def room_changed():
    if not validator.validate(request.url, request.form, request.headers["X-Twilio-Signature"]):  # @ RequestValidator.validate
        abort(403)
    return request.form["StatusCallbackEvent"]
