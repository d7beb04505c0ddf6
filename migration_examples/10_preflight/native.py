"""The same program on `acs_core`: the parts of a test are awaited one by one.

python native.py TOKEN; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallingError,
    Features,
    PreCallTimes,
    QualityGrade,
    RunOptions,
)


def log(text: str) -> None:
    print(text, flush=True)


async def main(token: str, duration: float = 10_000) -> None:
    async with CallClient() as client:
        pre_call = client.feature(Features.PRE_CALL_DIAGNOSTICS)
        pre_call.times = PreCallTimes(measure=duration / 1000)
        try:
            result = await pre_call.start_test(
                AzureCommunicationTokenCredential(token),
                RunOptions(device_access=False, device_enumeration=False),
            )
            in_call = await result.in_call_diagnostics
        except CallingError as error:
            log(f"failed: {error.code}/{error.sub_code}")
            log("not ready to call")
        else:
            loss = in_call.diagnostics.audio.packet_loss
            log("packets are lost" if loss is QualityGrade.BAD else "packets arrive")
            log("ready to call")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
