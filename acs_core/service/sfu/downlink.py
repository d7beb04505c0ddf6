"""What one receiver's downlink carries, judged by what the receiver says. Pure.

Theory of operation. Nothing is known until something goes wrong: there is no estimate, and nothing
is limited. Two things are wrong: much is lost of what was sent (receiver reports), or the receiver
lowers its own estimate (REMB) below what it is being sent, because its delay grows. A REMB that is
merely low is no limit: the estimate of a receiver that was sent little is little, and lags behind
when it is sent more. Loss that stays when less is sent, or that nothing can be done about because
no less can be sent, is no limit either; nor is what the publisher's own uplink lost.

Then the estimate is what arrived, and it grows while nothing is wrong, after a rest that gets
longer each time it grew too far. It is forgotten when it limits nothing, though it was nearly used
up, or when nothing was wrong for long.

Source: draft-ietf-rmcat-gcc-02 sections 5 and 6 (loss, growth), draft-alvestrand-rmcat-remb-03,
RFC 3550 section 6.4.1 for the counts in report blocks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from acs_core.rtc.feedback import ReportBlock
from acs_core.service.sfu.bandwidth import DownlinkBudget

__all__ = ["DownlinkEstimator", "DownlinkSample", "LossTally"]

LEAST_BPS: Final = 100_000
MEANINGFUL_BPS: Final = 150_000
"""Of less than this, what is lost or late says nothing about what the network carries."""
HIGH_LOSS: Final = 0.10
LOW_LOSS: Final = 0.02
HEAVY_LOSS: Final = 0.25
"""So much is lost in a full queue only: what arrived is then what the network carries."""
LEAST_PACKETS: Final = 20
"""Packets that a judgment of loss needs."""
DROP: Final = 0.95
"""A REMB that fell below this part of its last value is a receiver that met a queue ..."""
SHORT: Final = 0.9
"""... if it is below this part of what is sent as well ..."""
FAR_SHORT: Final = 0.5
"""... at once below this ..."""
REMB_LASTS: Final = 1.0
"""... else after so many seconds: it is 0.85 of what arrives, and grows by 8 % per second."""
LESS: Final = 0.8
"""A part that is clearly less."""
GROWTH: Final = 0.2
"""Per second."""
FORGOTTEN_ABOVE: Final = 1.5
"""Times what is wanted; an estimate above that limits nothing."""
USED: Final = 0.5
"""The part of an estimate that must be sent to prove it."""
STUCK: Final = 0.95
"""A part that is not noticeably less."""
TRIES: Final = 3
"""Reductions in a row that lessened nothing, after which loss is taken as it is."""
JUDGED_FOR: Final = 5.0
"""Seconds for which a judgment of loss holds; when nothing is sent there are no new ones."""
WINDOW: Final = 1.0
"""Seconds over which the rate of sending is measured."""
FIRST_REST: Final = 1.0
LONGEST_REST: Final = 16.0
ONE_EVENT: Final = 3.0
"""Seconds; bad reports that come closer are about the same trouble."""
SETTLING: Final = 0.5
"""Seconds from a reduction until what is sent then is reported about."""
MEMORY: Final = 45.0
"""Seconds after which trouble is forgotten."""


@dataclass(frozen=True, slots=True)
class DownlinkSample:
    """Counts of one receiver since the beginning; they never fall.

    Attributes:
        audio_octets: Sent to it.
        video_octets: Sent to it, resent packets included.
        expected: Packets that its reports covered.
        lost: Those of them that did not arrive.
        remb_bps: Its own newest estimate; None before it sent one.
        source_lost: Packets that did not even reach us, of the streams that it is sent.
    """

    audio_octets: int
    video_octets: int
    expected: int
    lost: int
    remb_bps: int | None = None
    source_lost: int = 0

    @property
    def octets(self) -> int:
        """Everything sent."""
        return self.audio_octets + self.video_octets


class LossTally:
    """Adds up the report blocks of one receiver over all the streams that it is sent.

    Attributes:
        expected: Packets that were reported about.
        lost: Those that did not arrive.
    """

    def __init__(self) -> None:
        self.expected = 0
        self.lost = 0
        self._known: dict[int, tuple[int, int]] = {}

    def take(self, blocks: Mapping[int, ReportBlock]) -> None:
        """Take the newest block about each SSRC; the same one may be given again."""
        for ssrc, block in blocks.items():
            now = (block.highest_sequence, block.packets_lost)
            before = self._known.get(ssrc)
            self._known[ssrc] = now
            # A stream that began again counts from its next report on.
            if before is not None and now[0] > before[0]:
                expected = now[0] - before[0]
                self.expected += expected
                # Repaired losses make the count fall, duplicates make it negative.
                self.lost += min(max(0, now[1] - before[1]), expected)
        for gone in self._known.keys() - blocks.keys():
            del self._known[gone]


@dataclass(slots=True)
class _Reduction:
    """The last time that the estimate was lowered.

    Attributes:
        at: When.
        sent_bps: At which rate.
        loss: At which loss.
        futile: How many before it, in a row, lessened nothing that was sent.
    """

    at: float
    sent_bps: float
    loss: float
    futile: int = 0
    is_judged: bool = False


class DownlinkEstimator:
    """Follows one receiver; `update` it a few times per second."""

    def __init__(self) -> None:
        self._estimate: float | None = None
        self._has_loss = False
        self._samples: deque[tuple[float, DownlinkSample]] = deque()
        self._reported: tuple[float, DownlinkSample] | None = None
        self._loss = 0.0
        self._ambient = 0.0
        self._judged_at = -math.inf
        self._source_lost = 0
        self._remb: int | None = None
        self._remb_low_since: float | None = None
        self._reduction: _Reduction | None = None
        self._rest = FIRST_REST

    @property
    def estimate_bps(self) -> int | None:
        """What the downlink carries, audio included; None while no limit is known."""
        return None if self._estimate is None else round(self._estimate)

    @property
    def budget(self) -> DownlinkBudget:
        """What is left for video."""
        if self._estimate is None:
            return DownlinkBudget()
        audio = [(at, sample.audio_octets) for at, sample in self._samples]
        return DownlinkBudget(round(max(0.0, self._estimate - _rate(audio))), self._has_loss)

    def update(self, sample: DownlinkSample, wanted_bps: int, now: float) -> None:
        """Take the counts as of now.

        Args:
            sample: What was sent and reported.
            wanted_bps: What all videos that may be on would need.
            now: Seconds on any monotonic clock.
        """
        elapsed = min(now - self._samples[-1][0], WINDOW) if self._samples else 0.0
        self._samples.append((now, sample))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW:
            self._samples.popleft()
        self._take_reports(sample, now)
        self._take_remb(sample.remb_bps, now)
        if now - self._judged_at > JUDGED_FOR:
            self._loss = 0.0
        if self._estimate is not None and self._may_grow(now):
            self._grow(self._estimate * (1 + GROWTH * elapsed), wanted_bps)
        if self._reduction is not None and now - self._reduction.at >= MEMORY:
            self._forget()

    def _grow(self, estimate: float, wanted_bps: int) -> None:
        if estimate <= FORGOTTEN_ABOVE * max(wanted_bps, LEAST_BPS):
            self._estimate = estimate
        elif self._sent_bps >= USED * estimate:
            self._forget()
        # Else it limits nothing now, and nothing shows that it would not if more were wanted.

    def _forget(self) -> None:
        self._estimate, self._has_loss = None, False

    @property
    def _sent_bps(self) -> float:
        return _rate([(at, sample.octets) for at, sample in self._samples])

    def _may_grow(self, now: float) -> bool:
        is_rested = self._reduction is None or now >= self._reduction.at + self._rest
        return is_rested and self._loss - self._ambient < LOW_LOSS

    def _take_reports(self, sample: DownlinkSample, now: float) -> None:
        if self._reported is None:
            self._reported = (now, sample)
            return
        since, before = self._reported
        packets = sample.expected - before.expected
        if packets < LEAST_PACKETS:
            return
        # What a report is about was sent in the time since the report before it.
        self._reported = (now, sample)
        self._loss = self._own_loss(sample, before) / packets
        self._judged_at = now
        sent = _rate([(since, before.octets), (now, sample.octets)])
        # Until a reduction shows, the loss that led to it is reported once more.
        if self._reduction is not None and since < self._reduction.at + SETTLING:
            return
        self._judge_reduction(sent)
        self._take_arrived(sent)
        if self._loss - self._ambient <= HIGH_LOSS or sent < MEANINGFUL_BPS:
            return
        share = self._loss if self._loss >= HEAVY_LOSS else 0.5 * self._loss
        self._has_loss = True
        self._lower_to(sent * (1 - share), sent, now)

    def _take_arrived(self, sent: float) -> None:
        """What arrived without loss, and without the receiver minding, fits."""
        is_minded = self._remb is not None and self._remb < SHORT * sent
        if self._estimate is not None and self._loss - self._ambient < LOW_LOSS and not is_minded:
            self._estimate = max(self._estimate, sent)

    def _own_loss(self, sample: DownlinkSample, before: DownlinkSample) -> int:
        """The packets that were lost on the downlink since the sample before."""
        lost = sample.lost - before.lost
        # What was lost before us may be reported one report later.
        source_lost = max(0, sample.source_lost - before.source_lost)
        explained = min(lost, self._source_lost + source_lost)
        self._source_lost = min(self._source_lost + source_lost - explained, source_lost)
        return lost - explained

    def _judge_reduction(self, sent: float) -> None:
        """Loss that sending less did not lessen is no congestion: do not reduce for it again."""
        reduction = self._reduction
        if self._loss < LOW_LOSS:
            self._ambient = 0.0
            if reduction is not None:
                reduction.is_judged = True
        elif reduction is not None and not reduction.is_judged:
            has_less = sent <= LESS * reduction.sent_bps
            is_stuck = reduction.futile >= TRIES and sent > STUCK * reduction.sent_bps
            reduction.is_judged = has_less or is_stuck
            if reduction.is_judged and self._loss >= LESS * reduction.loss > 0:
                self._ambient = self._loss

    def _take_remb(self, remb: int | None, now: float) -> None:
        before, self._remb = self._remb, remb
        if remb is None or before is None:
            return
        sent = self._sent_bps
        if sent < MEANINGFUL_BPS or remb >= SHORT * sent:
            self._remb_low_since = None
            return
        if remb < DROP * before and self._remb_low_since is None:
            self._remb_low_since = now
        if self._remb_low_since is None:
            return
        # A receiver that was merely late for a moment is back above this by then.
        if remb < FAR_SHORT * sent or now - self._remb_low_since >= REMB_LASTS:
            self._remb_low_since = None
            self._lower_to(remb, sent, now)

    def _lower_to(self, bitrate: float, sent: float, now: float) -> None:
        known = bitrate if self._estimate is None else min(self._estimate, bitrate)
        self._estimate = max(known, LEAST_BPS)
        quiet = MEMORY if self._reduction is None else now - self._reduction.at
        if quiet >= MEMORY:
            self._rest = FIRST_REST
        elif quiet > ONE_EVENT:
            self._rest = min(2 * self._rest, LONGEST_REST)
        self._reduction = _Reduction(now, sent, self._loss, self._futile(sent))

    def _futile(self, sent: float) -> int:
        before = self._reduction
        if before is None or before.is_judged or sent <= STUCK * before.sent_bps:
            return 0
        return before.futile + 1


def _rate(counts: Sequence[tuple[float, int]]) -> float:
    """Bits per second between the first and the last count of octets."""
    (start, first), (end, last) = counts[0], counts[-1]
    return 8 * (last - first) / (end - start) if end > start else 0.0
