"""Replications that a task has only initiated: PENDING, until their time comes."""
import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

from localaws import s3access
from localaws.bell import Bell

_AT_A_TIME = 0.005  # seconds; then others have their turn


class Settlements:
    """What is still to become of versions, in the order of its times. `settle` does it."""

    def __init__(self, bell: Bell, switches):
        self._bell = bell
        self._switches = switches
        self._numbers = itertools.count()
        self._heap: list[tuple] = []
        self._drain: asyncio.Task | None = None

    def reset(self) -> None:
        self._heap.clear()
        if self._drain is not None:
            self._drain.cancel()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def is_waiting(self) -> bool:
        """Whether a version stays PENDING at all."""
        return bool(self._switches.pendingSeconds) or self._switches.holdPending

    def add(self, settle: Callable[[], None]) -> None:
        """Call `settle()` after the switches' pendingSeconds, in this job's account."""
        due = time.monotonic() + self._switches.pendingSeconds
        heapq.heappush(self._heap, (due, next(self._numbers), s3access.account(), settle))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._run())

    def _seconds_left(self) -> float:
        """Until the next one's time; none where a test no longer wants to wait."""
        return self._heap[0][0] - time.monotonic() if self._switches.pendingSeconds else 0.0

    async def _run(self) -> None:
        heap, switches = self._heap, self._switches
        while heap:
            await self._bell.until(lambda: not switches.holdPending)
            left = self._seconds_left()
            if left > 0:
                await self._bell.until(lambda: switches.holdPending or not switches.pendingSeconds, left)
                continue
            until = time.monotonic() + _AT_A_TIME
            while heap and time.monotonic() < until and self._seconds_left() <= 0:
                _, _, account, settle = heapq.heappop(heap)
                with s3access.in_account(account):
                    settle()
            self._bell.ring()
            await asyncio.sleep(0)
