r"""Time steps of the network and of its mean-field limit: Euler, and a scheme of second order.

A step of dx = (-x + h) dt + sigma dW, h = J phi(x) for a network, is

.. math::

    x_{t+1} = a\, x_t + b_t h_t + b'_t h_{t-1} + \sigma c\, \xi_t,

with standard noise xi and one evaluation of the input h.  In the limit of large N the same numbers
stand before the effective field, so that the mean-field theory with a step is the exact limit of
the network with that step.

- ``euler`` (Euler-Maruyama): a = 1 - dt, b = dt, b' = 0, c = dt^{1/2}.
- ``adams-bashforth``: -x and the noise are integrated exactly, h is extrapolated linearly from the
  last two steps (exponential Adams-Bashforth method).  With E = 1 - exp(-dt): a = exp(-dt),
  b = E + 1 - E/dt, b' = E/dt - 1, c^2 = (1 - exp(-2 dt))/2.  The first step has b = E, b' = 0.

References
----------
S. P. Norsett, Lecture Notes in Mathematics 109, 214 (1969); section 10 of docs/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..specs import TimeScheme


@dataclass(frozen=True)
class TimeStep:
    """Numbers of a scheme at one dt.

    Attributes
    ----------
    interval : float
        dt.
    decay : float
        a.
    first : float
        b of the first step, whose b' is 0.
    now, before : float
        b and b' of the other steps.
    spread : float
        c.
    """

    interval: float
    decay: float
    first: float
    now: float
    before: float
    spread: float

    def weights(self, t: int) -> tuple[float, float]:
        """b and b' of step t."""
        return (self.now, self.before) if t else (self.first, 0.0)


def time_step(scheme: TimeScheme, interval: float) -> TimeStep:
    """Step of a scheme.

    Parameters
    ----------
    scheme : {"euler", "adams-bashforth"}
    interval : float
        dt.
    """
    if scheme == "euler":
        return TimeStep(interval, 1.0 - interval, interval, interval, 0.0, np.sqrt(interval))
    loss = -np.expm1(-interval)
    return TimeStep(
        interval,
        np.exp(-interval),
        loss,
        loss + 1.0 - loss / interval,
        loss / interval - 1.0,
        np.sqrt(-0.5 * np.expm1(-2.0 * interval)),
    )


def free_tangent(step: TimeStep, times: int) -> np.ndarray:
    """Change of x_t by an input of strength 1 during step s, for a unit without feedback.

    Returns
    -------
    ndarray, shape (times, times)
        chi_ts; zero unless s < t.
    """
    chi = np.zeros((times, times))
    for t in range(times - 1):
        now, before = step.weights(t)
        chi[t + 1] = step.decay * chi[t]
        chi[t + 1, t] += now
        if t:
            chi[t + 1, t - 1] += before
    return chi
