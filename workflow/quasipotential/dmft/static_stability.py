r"""Stability of a fixed point of static DMFT.

At a fixed point the input h of a unit is Gaussian with variance g^2 C, D = phi'(x) is its slope,
and chi = D/(1 - rho D), rho = g^2 gamma R, is its response to a static field (docs/theory.md,
section 8).  Three questions, three answers.

*Do two fixed points of one network with nearly the same activity drift apart?*  Their overlap c
is mapped by f(c) = E phi(h) phi(h'), with h and h' of covariance g^2 c.  The fixed point has
f(C) = C, and the **overlap slope** is

.. math::

    S = f'(C) = g^2\, E\,\chi^2 .

f has a power series with coefficients >= 0 and f(0) = 0.  So S > 1 for every solution with C > 0:
above the transition the static solution is never stable.  S is also what a slow perturbation of
the correlation is multiplied with.

*Does the solution return when C and R are both moved?*  The **longitudinal multiplier** is the
largest real part of an eigenvalue of d(E phi^2, E chi)/d(C, R).  Below 1 it does.

*Is the network's fixed point stable under dx/dt = -x + J phi(x)?*  For elliptic J and a diagonal
D the edge of the spectrum of J D is where

.. math::

    r = E\,\frac{D}{\zeta - g^2\gamma\, r D}, \qquad
    1 = g^2 E\left|\frac{D}{\zeta - g^2\gamma\, r D}\right|^2 .

With u = g^2 gamma r/zeta and p = D/(1 - u D) the unknown zeta drops out:

.. math::

    |u|\, E|p|^2 = |\gamma|\, |E\,p|, \qquad |\zeta|^2 = g^2 E|p|^2, \qquad
    \arg \zeta^2 = \arg (\gamma\, E\,p) - \arg u .

For each direction of u one real equation is left.  The **growth rate** is max Re zeta - 1.  At
zeta = 1, r is R and the condition of the edge is S = 1.  For gamma >= 0 the rightmost point is
real.  For gamma < 0 it need not be, and then S = 1 is not the edge of stability.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

Array = np.ndarray

_DIRECTIONS = 12  # of u, to find the rightmost point for gamma < 0
_RANGES = ((3.0, 3.0), (40.0, 300.0))  # of ln|u|, below and above its value to lowest order


@dataclass(frozen=True)
class Rightmost:
    """Rightmost point of the spectrum of -1 + J D: ``rate`` and, >= 0, ``frequency``."""

    rate: float
    frequency: float


def overlap_slope(g: float, slope: Array, density: Array, rho: float) -> float:
    """S = g^2 E chi^2; infinite for rho >= 1, where x jumps or turns with the field.

    Parameters
    ----------
    g : float
        Gain.
    slope : array, shape (nodes,)
        phi' at the nodes.
    density : array, shape (nodes,)
        Weights of the density of the field, (1 - rho phi')^-1 times those of E.
    rho : float
        g^2 gamma R.
    """
    if rho >= 1.0:
        return np.inf
    return float(g**2 * (density @ (slope**2 / (1.0 - rho * slope))))


def longitudinal_multiplier(jacobian: Array) -> float:
    """Largest real part of an eigenvalue of d(E phi^2, E chi)/d(C, R), shape (2, 2)."""
    return float(np.linalg.eigvals(jacobian).real.max())


def edge(g: float, gamma: float, slope: Array, weights: Array, direction: float) -> complex:
    """One point zeta of the edge of the spectrum of J D.

    Parameters
    ----------
    g, gamma : float
        Gain and asymmetry, gamma != 0.
    slope : array, shape (nodes,)
        D >= 0.
    weights : array, shape (nodes,)
        Probabilities of the nodes.
    direction : float
        arg u, from 0 to pi.  For gamma > 0, 0 is the real axis and pi the imaginary one; for
        gamma < 0 it is the other way round.

    Returns
    -------
    complex
        With Re zeta and Im zeta >= 0; the edge is symmetric to both axes.  NaN where no point of
        the edge belongs to the direction, as for symmetric J off the real axis.
    """
    unit, weak = cmath.exp(1j * direction), math.log(abs(gamma))
    turned = unit * slope

    def moments(logarithm: float) -> tuple[complex, float]:
        """E p and E|p|^2."""
        p = slope / (1.0 - math.exp(logarithm) * turned)
        return complex(weights @ p), float(weights @ (p.real**2 + p.imag**2))

    def mismatch(logarithm: float) -> float:
        mean, power = moments(logarithm)
        return logarithm - weak + math.log(power / abs(mean))

    start = -mismatch(-700.0) - 700.0  # the root to lowest order in u
    for below, above in _RANGES:
        high = start + above
        if direction == 0.0:  # real u stays below 1/D
            high = -math.log(slope[weights > 0.0].max()) - 1e-12
        low = min(start, high) - below
        if mismatch(low) < 0.0 < mismatch(high):
            break
    else:
        return complex(np.nan, np.nan)
    mean, power = moments(optimize.brentq(mismatch, low, high, xtol=1e-14, rtol=1e-15))
    angle = (cmath.phase(gamma * mean) - direction) / 2.0
    return g * math.sqrt(power) * complex(abs(math.cos(angle)), abs(math.sin(angle)))


def rightmost(g: float, gamma: float, slope: Array, weights: Array) -> Rightmost:
    """Rightmost point of the spectrum of -1 + J D, for a J that does not depend on D.

    A fixed point ties J to x by terms of low rank, which do not move the edge.

    Parameters
    ----------
    g, gamma, slope, weights
        As in :func:`edge`; gamma may be 0.
    """
    if gamma == 0.0:
        return Rightmost(float(g * np.sqrt(weights @ slope**2) - 1.0), 0.0)
    if gamma > 0.0:
        return Rightmost(edge(g, gamma, slope, weights, 0.0).real - 1.0, 0.0)

    def real_part(direction: float) -> float:
        return edge(g, gamma, slope, weights, direction).real

    directions = np.linspace(0.0, np.pi, _DIRECTIONS + 1)[1:]
    best = directions[int(np.nanargmax([real_part(direction) for direction in directions]))]
    width = np.pi / _DIRECTIONS
    # Reflected at pi, where zeta is real.
    found = optimize.minimize_scalar(
        lambda direction: -real_part(min(direction, 2.0 * np.pi - direction)),
        bounds=(best - width, best + width),
        method="bounded",
        options={"xatol": 1e-6},
    )
    on_axis = edge(g, gamma, slope, weights, np.pi)
    off_axis = edge(g, gamma, slope, weights, min(found.x, 2.0 * np.pi - found.x))
    # A maximum on the axis is found to the square root of rounding only.
    if off_axis.real <= on_axis.real * (1.0 + 1e-12):
        return Rightmost(on_axis.real - 1.0, 0.0)
    return Rightmost(off_axis.real - 1.0, off_axis.imag)
