"""Why there is no room."""

from twilio_compat import TwilioError, connect


async def main() -> None:
    try:
        await connect("no token", name="daily", audio=False, video=False)
    except TwilioError as error:
        print(error.code, error.name)
