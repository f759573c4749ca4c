"""Waiting for something to become true: whoever changes something rings, whoever waits looks again."""
import asyncio
from collections.abc import Callable


class Bell:
    """One bell for all who wait in this process's one event loop."""

    def __init__(self):
        self._waiting: set[asyncio.Future] = set()

    def ring(self) -> None:
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

    async def until(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until the condition holds, or the time is over; whether it holds."""
        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else loop.time() + seconds
        while not condition():
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return False
            heard = loop.create_future()
            self._waiting.add(heard)
            try:
                await asyncio.wait_for(heard, left)
            except TimeoutError:
                return condition()
            finally:
                self._waiting.discard(heard)
        return True
