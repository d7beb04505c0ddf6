"""Transcription of calls, begun and ended by programs.

What is said goes to the people in the call, and to whoever the service's transcriber tells; a
program gets the text where it joins the call.

Source: ACS, "Add real-time transcription into your application".
"""

from __future__ import annotations

from collections.abc import Mapping

from acs_core.errors import CallingError, ServiceError
from acs_core.service.automation.bodies import Transcribe, TranscriptionOptions, callback
from acs_core.service.automation.connections import Connection, Connections
from acs_core.service.automation.events import SUCCESS, failure
from acs_core.service.automation.refusals import invalid, not_established, not_supported

__all__ = ["Transcribing"]


class Transcribing:
    """Begins and ends the transcription of calls.

    Args:
        connections: Tells programs.
        is_possible: Whether the service has a transcriber.
    """

    def __init__(self, connections: Connections, *, is_possible: bool) -> None:
        self._connections = connections
        self._is_possible = is_possible
        connections.on_connected = self._connected

    def check(self, options: TranscriptionOptions | None) -> None:
        """Refuse options that the service cannot follow.

        Raises:
            ServiceError: 405/8520: it has no transcriber.
        """
        if options is not None and not self._is_possible:
            raise _no_transcriber()

    def start(self, connection: Connection, wanted: Transcribe) -> None:
        """Transcribe the call from now on.

        Raises:
            CallingError: 405/8520: the service has no transcriber; 400/8523: it does not know the
                language; 400/8501: nobody has answered.
        """
        url = self._prepared(connection, wanted)
        connection.call.activity.set_transcribing(True)
        self._tell(connection, wanted, url, "Started", "subscriptionStarted")

    def update(self, connection: Connection, wanted: Transcribe) -> None:
        """Transcribe another language from now on; refuses as `start` does."""
        if not wanted.locale:
            raise invalid("The locale is missing.")
        url = self._prepared(connection, wanted)
        self._tell(connection, wanted, url, "Updated", "transcriptionLocaleUpdated")

    def stop(self, connection: Connection, wanted: Transcribe) -> None:
        """Transcribe the call no longer; does nothing where that is so."""
        url = callback(wanted.operation_callback_uri)
        connection.call.activity.set_transcribing(False)
        self._tell(connection, wanted, url, "Stopped", "subscriptionStopped")

    def _connected(self, connection: Connection) -> None:
        """Begin where the program wanted that from the beginning."""
        options = connection.transcription
        if options is None or not options.start_transcription:
            return
        wanted = Transcribe(locale=options.locale)
        try:
            self.start(connection, wanted)
        except CallingError as error:
            self._tell(connection, wanted, "", "Failed", "badRequest", result=failure(error))

    def _prepared(self, connection: Connection, wanted: Transcribe) -> str:
        """The callback, once the language is chosen."""
        url = callback(wanted.operation_callback_uri)
        if not connection.is_established:
            raise not_established("Nobody has answered the call yet.")
        if not self._is_possible:
            raise _no_transcriber()
        activity = connection.call.activity
        known = connection.call.roster.activity.spoken_languages
        if wanted.locale:
            by_name = {language.lower(): language for language in known}
            if wanted.locale.lower() not in by_name:
                raise invalid(f"The locale must be one of {', '.join(known)}.")
            activity.set_spoken_language(by_name[wanted.locale.lower()])
        return url

    def _tell(
        self,
        connection: Connection,
        wanted: Transcribe,
        url: str,
        what: str,
        details: str,
        *,
        result: Mapping[str, object] = SUCCESS,
    ) -> None:
        self._connections.tell(
            connection,
            f"Transcription{what}",
            url=url,
            operationContext=wanted.operation_context,
            transcriptionUpdate={
                "transcriptionStatus": f"transcription{what}",
                "transcriptionStatusDetails": details,
            },
            resultInformation=result,
        )


def _no_transcriber() -> ServiceError:
    return not_supported("The service has no transcriber.", next_step="Run the service with one.")
