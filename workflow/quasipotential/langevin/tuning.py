r"""Steps that lead to a target acceptance: dual averaging during the warm-up, frozen after it.

References
----------
M. D. Hoffman and A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014), section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class DualAveraging:
    """Steps, shape (R,), that lead to the target acceptance (Hoffman & Gelman, equation 6).

    The constants are theirs but for ``gain`` (their 1/gamma = 20): an acceptance averaged over
    chains carries less noise than one of a single chain, and a start near the answer wants small
    excursions.
    """

    start: np.ndarray
    target: float
    gain: float = 5.0
    offset: float = 10.0
    exponent: float = 0.75
    count: int = 0
    error: np.ndarray = field(init=False)
    log_average: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.error = np.zeros_like(self.start)
        self.log_average = np.log(self.start)

    def update(self, acceptance: np.ndarray) -> np.ndarray:
        """Steps to try next, after the acceptance (R,) of the last ones."""
        self.count += 1
        self.error += (self.target - acceptance - self.error) / (self.count + self.offset)
        log_step = np.log(self.start) - self.gain * np.sqrt(self.count) * self.error
        self.log_average += self.count**-self.exponent * (log_step - self.log_average)
        return np.exp(log_step)

    @property
    def average(self) -> np.ndarray:
        """Averaged steps, to be used after the warm-up."""
        return np.exp(self.log_average)
