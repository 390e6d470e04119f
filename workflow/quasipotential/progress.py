r"""Progress of long loops, as lines of a log.

A line says how much is done, at which rate, and how much time is left.  It is written when the last
one is ``INTERVAL`` seconds old, so that a short run writes none.  Lines go to the logger
``quasipotential`` at level INFO: a job of the workflow sends them to its log file, and a program
that does not ask for them shows nothing.  Rate and time left rest on what this process has done,
not on what it found done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

LOGGER = logging.getLogger("quasipotential")
INTERVAL = 30.0  # seconds
Item = TypeVar("Item")


@dataclass
class Progress:
    """How far a loop is.

    Attributes
    ----------
    label : str
        What runs.
    unit : str
        What is counted, in the plural.
    total, done : float
        Numbers of it; ``total`` may change on the way.
    within : Progress, optional
        Loop of which this one is the next item: percent and time left are those of the outer loop.
    note : str
        What else the line says.
    clock : callable
        Seconds, never falling.
    """

    label: str
    unit: str
    total: float
    done: float = 0.0
    within: Progress | None = None
    note: str = ""
    clock: Callable[[], float] = time.monotonic
    found: float = field(init=False)  # done by an earlier process
    begun: float = field(init=False)
    written: float = field(init=False)

    def __post_init__(self) -> None:
        self.found = self.done
        if self.within:
            self.clock = self.within.clock
        if self.within and self.done:
            self.within.found += self.done / self.total
        self.begun = self.written = self.clock()

    def advance(self, number: float = 1.0) -> None:
        """Count what is done; write a line if the last one is old enough."""
        self.reach(self.done + number)

    def reach(self, done: float) -> None:
        """As :meth:`advance`, with all that is done; less than before counts as no change."""
        self.done = max(self.done, done)
        outer, now = self.within or self, self.clock()
        if now - outer.written >= INTERVAL:
            outer.written = now
            LOGGER.info(self._line(outer, now))

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each counted when the loop asks for the next."""
        for item in items:
            yield item
            self.advance()

    def _line(self, outer: Progress, now: float) -> str:
        done = outer.done + (self.done / self.total if self.within else 0.0)
        # What no clock could see took a nanosecond.
        rate = (self.done - self.found) / max(now - self.begun, 1e-9)
        pace = (done - outer.found) / max(now - outer.begun, 1e-9)
        left = (
            timedelta(seconds=round(max(outer.total - done, 0.0) / pace))
            if pace > 0
            else "unknown time"
        )
        speed = f"{rate:.3g} {self.unit}/s" if rate >= 1 else f"{60 * rate:.3g} {self.unit}/min"
        loops = [outer, self] if self.within else [self]
        counts = [f"{loop.done:.0f} of {loop.total:.0f} {loop.unit}" for loop in loops]
        place = ", ".join([*counts, *filter(None, [self.note])])
        return f"{outer.label}: {done / outer.total:.1%}, {speed}, {left} left ({place})"
