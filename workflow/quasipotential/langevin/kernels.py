r"""Moves that leave exp(-E/T) as it is, or nearly so.

All kernels have one interface: called with a state of K columns, their temperatures and steps, a
length and a generator, they move the state in place and return acceptance probabilities (K,).

Euler-Maruyama (``euler-maruyama``), with a bias of first order in the step h and no acceptance
step (NaN):

    x <- x - h grad E + sqrt(2 T h) xi.

Hamiltonian Monte Carlo (``hmc``), without bias: momenta p ~ N(0, T M), H = E + p.v/2 with the
velocity v = M^-1 p, leapfrog steps

    p <- p - (h/2) grad E,    x <- x + h v,    p <- p - (h/2) grad E,

and acceptance with probability min(1, exp(-dH/T)).  The number of steps is drawn anew for each
path, uniform in [0.5, 1.5] times its mean and common to the batch.  MALA (``mala``) is the same
with paths of one step, x <- x - (h^2/2) M^-1 grad E + h v, each accepted or refused.

Any mass matrix M leaves the measure as it is.  The Hessian of E is near (1 - J phi')^T (1 - J
phi'); with the mean slope m in the place of phi', and a floor c for its soft directions,

    M = (1 - m J)^T (1 - m J) + (c + 2 eta) 1,    m = 1/max(1, g (1 + gamma)),    c = 0.03:

above the transition the slope saturates to about the value at which 1 - m J turns singular.  With
these momenta one step suits every temperature.  Everything is dimensionless.

References
----------
R. M. Neal, MCMC using Hamiltonian dynamics, arXiv:1206.1901.
J. Qiu and H. Huang, arXiv:2401.10009, section III; docs/theory.md, section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..specs import LangevinSpec
from .landscape import Landscape, State

Array = np.ndarray


class Kernel(Protocol):
    """A transition of all columns of a state."""

    tuned: bool  # whether the step is to be tuned to an acceptance

    def __call__(
        self, state: State, temperature: Array, step: Array, length: float, rng: np.random.Generator
    ) -> Array:
        """Move the state in place.

        Parameters
        ----------
        state : State
            Of K columns.
        temperature, step : ndarray, shape (K,)
        length : float
            Euler-Maruyama: time.  HMC: mean length of the path.  MALA: length of its steps
            together.  The number of steps, common to all columns, is rounded, and at least one.
        rng : Generator

        Returns
        -------
        ndarray, shape (K,)
            Mean acceptance probabilities.
        """


@dataclass(frozen=True)
class Mass:
    """Mass matrix M of the momenta: its Cholesky factor and its inverse, both of shape (N, N)."""

    factor: Array
    inverse: Array


def mass(landscape: Landscape, slope: float, floor: float) -> Mass:
    """Mass matrix for the mean slope m of the transfer function; ``floor`` is added to it."""
    identity = np.eye(len(landscape.J))
    A = identity - slope * landscape.J
    M = A.T @ A + (floor + 2.0 * landscape.eta) * identity
    return Mass(factor=np.linalg.cholesky(M), inverse=np.linalg.inv(M))


def number_of_steps(length: float, step: Array) -> int:
    """Steps that make up a length, at least one."""
    return max(1, round(length / step.mean()))


class EulerMaruyama:
    """Langevin dynamics in steps of time ``step``."""

    tuned = False

    def __call__(
        self, state: State, temperature: Array, step: Array, length: float, rng: np.random.Generator
    ) -> Array:
        amplitude = np.sqrt(2.0 * temperature * step)
        change = np.empty_like(state.x)
        for _ in range(number_of_steps(length, step)):
            np.multiply(state.gradient, step, out=change)
            state.x -= change
            rng.standard_normal(out=change)
            change *= amplitude
            state.x += change
            state.update()
        return np.full(temperature.size, np.nan)


class HamiltonianPath:
    """A leapfrog path of the whole batch, each column accepted or refused on its own."""

    def __init__(self, mass: Mass) -> None:
        self.mass = mass
        self._end: State | None = None

    def __call__(
        self, state: State, temperature: Array, step: Array, steps: int, rng: np.random.Generator
    ) -> Array:
        """Move the state in place by one path; acceptance probabilities (K,)."""
        end, p, v, kick = self._buffers(state)
        rng.standard_normal(out=v)
        kinetic = 0.5 * temperature * np.einsum("nk,nk->k", v, v)
        np.matmul(self.mass.factor, v, out=p)
        p *= np.sqrt(temperature)
        before = state.energy + kinetic

        np.copyto(end.x, state.x)
        np.multiply(state.gradient, 0.5 * step, out=kick)
        p -= kick
        for index in range(steps):
            np.matmul(self.mass.inverse, p, out=v)
            v *= step
            end.x += v
            end.update()
            np.multiply(end.gradient, step if index < steps - 1 else 0.5 * step, out=kick)
            p -= kick
        np.matmul(self.mass.inverse, p, out=v)
        after = end.energy + 0.5 * np.einsum("nk,nk->k", p, v)

        # Where the path left the numbers there is nothing to accept.
        acceptance = np.nan_to_num(np.exp(np.minimum(0.0, (before - after) / temperature)))
        state.adopt(end, rng.random(temperature.size) < acceptance)
        return acceptance

    def _buffers(self, state: State) -> tuple[State, Array, Array, Array]:
        if self._end is None or self._end.x.shape != state.x.shape:
            self._end = State(state.landscape, state.x, state.field)
            self._work = [np.empty_like(state.x) for _ in range(3)]
        self._end.field = state.field
        return self._end, *self._work


class Hmc:
    """Hamiltonian Monte Carlo with jittered length."""

    tuned = True

    def __init__(self, mass: Mass) -> None:
        self.path = HamiltonianPath(mass)

    def __call__(
        self, state: State, temperature: Array, step: Array, length: float, rng: np.random.Generator
    ) -> Array:
        steps = number_of_steps(rng.uniform(0.5, 1.5) * length, step)
        return self.path(state, temperature, step, steps, rng)


class Mala:
    """Metropolis-adjusted Langevin steps."""

    tuned = True

    def __init__(self, mass: Mass) -> None:
        self.path = HamiltonianPath(mass)

    def __call__(
        self, state: State, temperature: Array, step: Array, length: float, rng: np.random.Generator
    ) -> Array:
        steps = number_of_steps(length, step)
        acceptance = np.zeros_like(temperature)
        for _ in range(steps):
            acceptance += self.path(state, temperature, step, 1, rng)
        return acceptance / steps


def kernel(spec: LangevinSpec, landscape: Landscape) -> Kernel:
    """The kernel that a spec asks for."""
    if spec.algorithm == "euler-maruyama":
        return EulerMaruyama()
    slope = 1.0 / max(1.0, spec.g * (1.0 + spec.couplings.gamma))
    M = mass(landscape, slope, spec.mass_floor)
    return Mala(M) if spec.algorithm == "mala" else Hmc(M)
