"""Test the network before a call; the test call goes over the service itself."""

import asyncio

from twilio_compat import PreflightTestReport, TwilioError, run_preflight


async def main(alice: str) -> None:
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[PreflightTestReport] = loop.create_future()

    def failed(error: TwilioError) -> None:
        finished.set_exception(error)

    test = run_preflight(alice, duration=500)
    test.on("completed", lambda report: finished.set_result(report))
    test.on("failed", failed)
    report = await finished
    loss = report.stats.packet_loss
    print("lost:", "nothing" if loss is not None and loss.average == 0 else loss)
    await test.closed()
