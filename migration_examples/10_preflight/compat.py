"""`before.js`, line by line.

python compat.py TOKEN; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys

import twilio_compat as Video


async def main(token: str, duration: float = 10_000) -> None:
    test = Video.runPreflight(token, {"duration": duration})

    def log(text: str) -> None:
        print(text, flush=True)

    test.on("progress", lambda progress: log(f"progress: {progress}"))

    def completed(report) -> None:
        packetLoss = report.stats.packetLoss
        log("packets arrive" if packetLoss.average < 5 else "packets are lost")
        log("ready to call")

    def failed(error, report) -> None:
        log(f"failed: {error.code}")
        log("not ready to call")

    test.on("completed", completed)
    test.on("failed", failed)

    await test.closed()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
