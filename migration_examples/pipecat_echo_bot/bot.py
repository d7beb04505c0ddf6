"""A Pipecat bot that repeats what it hears; see README.md."""

from __future__ import annotations

import argparse
import asyncio

from pipecat.frames.frames import EndFrame, Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from twilio_compat.integrations.pipecat import TwilioCompatParams, TwilioCompatTransport


class Echo(FrameProcessor):
    """Says what it hears."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            echo = OutputAudioRawFrame(frame.audio, frame.sample_rate, frame.num_channels)
            await self.push_frame(echo)
        else:
            await self.push_frame(frame, direction)


async def main(room: str, token: str, service_url: str | None) -> None:
    transport = TwilioCompatTransport(
        token,
        room,
        service_url,
        TwilioCompatParams(
            audio_in_enabled=True,
            audio_in_sample_rate=16_000,
            audio_out_enabled=True,
            audio_out_sample_rate=16_000,
        ),
    )
    pipeline = Pipeline([transport.input(), Echo(), transport.output()])
    worker = PipelineWorker(pipeline, idle_timeout_secs=None)

    @transport.event_handler("on_participant_connected")
    async def greet(transport: TwilioCompatTransport, identity: str) -> None:
        print(f"{identity} is here", flush=True)
        await transport.send_message({"say": f"hello {identity}"})

    @transport.event_handler("on_app_message")
    async def obey(transport: TwilioCompatTransport, message: dict[str, str], sender: str) -> None:
        print(f"{sender} says {message.get('say')}", flush=True)
        if message.get("say") == "bye":
            await worker.queue_frame(EndFrame())

    @transport.event_handler("on_disconnected")
    async def gone(transport: TwilioCompatTransport) -> None:
        print("left the room", flush=True)

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", default="daily")
    parser.add_argument("--token", required=True)
    parser.add_argument("--service-url", help="default: CALLING_SERVICE_URL")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.room, arguments.token, arguments.service_url))
