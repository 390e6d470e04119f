r"""Averages over the fixed points of a network: what three weights make of the same points.

With A = 1 - J phi' at a fixed point, the theories average over the fixed points with

- ``boltzmann``, 1/|det A|: the limit T -> 0 of exp(-E/T), of which the replica theory is the limit
  of large N;
- ``signed``, sign det A: static DMFT.  x - J phi(x) is a bounded change of the identity, so that
  its degree is 1: the signs of one network add up to 1, with no determinant to be averaged;
- ``uniform``, 1: the count of Kac and Rice (module `replica.complexity`).

For a weight w this module compares two routes to

.. math::

    q_w = \frac{\overline{\sum w\,q_x^2}}{\overline{\sum w\,q_x}}, \qquad q_x = |\phi(x)|^2/N,

the average of q_x with weight w q_x, which leaves the origin out (its 1/|det A| has no mean over
couplings); for large N q_w is where the weight w concentrates.

*Enumerated*: all fixed points of single networks, found one by one (module `enumeration`).

*Integrated*, without looking for a fixed point (Kac and Rice at finite N):

.. math::

    \overline{\sum w f} = \int dx\, p(x)\, f(x)\, \overline{w\,|\det A|}\big|_{J\phi(x) = x},

where p is the density of J phi(x) at x, a Gaussian of covariance
g^2 (q_x 1 + gamma phi phi^T/N), and J is drawn under the condition J phi(x) = x.  |det A| cancels
in the Boltzmann weight.  The integral is by Monte Carlo.

References
----------
docs/theory.md, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..couplings import elliptic
from ..enumeration import Enumeration, enumerate_networks
from ..progress import Progress
from ..specs import WeightingSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

Array = np.ndarray

WEIGHTS = ("boltzmann", "signed", "uniform")
SMALLEST, LARGEST = 0.15, 1.5  # standard deviations of the draws of x, in units of g
CHUNK = 500  # couplings held at once


@dataclass(frozen=True)
class WeightedAverage:
    """q_w for the three weights, with standard errors: arrays of shape (weight,).

    Attributes
    ----------
    q, q_error : ndarray
        The ratio of the averages of sum w q^2 and sum w q.
    total, total_error : ndarray
        The average of sum w q.
    """

    q: Array
    q_error: Array
    total: Array
    total_error: Array


def sums(network: Enumeration) -> Array:
    """Sums of w q and w q^2 over the fixed points of one network, shape (weight, 2)."""
    weights = np.array([np.exp(-network.log_det), network.sign, np.ones_like(network.sign)])
    return weights * network.multiplicity @ np.array([network.q, network.q**2]).T


def integrate(
    N: int, g: float, gamma: float, transfer: TransferFunction, draws: int, rng: np.random.Generator
) -> WeightedAverage:
    """Averages over networks of size N by the integral over x.

    Parameters
    ----------
    N : int
    g, gamma : float
        g > 0 and gamma > -1 (at -1 phi.J phi = 0 and p has no density).
    transfer : TransferFunction
        Saturating.
    draws : int
        Of x, each with one J.
    """
    # Radii of neighbouring scales overlap: a Gaussian of N units spreads by 1/sqrt(2 N).
    number = int(np.ceil(1.5 * np.sqrt(N) * np.log(LARGEST / SMALLEST)))
    scales = g * np.geomspace(SMALLEST, LARGEST, number)
    x = rng.standard_normal((draws, N)) * rng.choice(scales, (draws, 1))
    square = np.square(x).sum(axis=1)
    logs = -0.5 * square[:, None] / scales**2 - N * np.log(scales)
    top = logs.max(axis=1)
    log_proposal = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
    phi = transfer.phi(x)
    q = np.square(phi).mean(axis=1)
    along = np.einsum("mi,mi->m", phi, x) ** 2 / (N * q) * gamma / (1 + gamma)
    log_density = -0.5 * (N * np.log(g**2 * q) + np.log1p(gamma) + (square - along) / (g**2 * q))
    sign, log_det = np.empty(draws), np.empty(draws)
    for chunk in np.split(np.arange(draws), range(CHUNK, draws, CHUNK)):
        J = _conditioned(x[chunk], phi[chunk], g, gamma, rng)
        A = np.eye(N) - J * transfer.derivative(x[chunk])[:, None, :]
        sign[chunk], log_det[chunk] = np.linalg.slogdet(A)
    det = np.exp(log_det)
    weights = np.array([np.ones(draws), sign * det, det]) * np.exp(log_density - log_proposal)
    return average(np.stack([weights * q, weights * q**2], axis=-1).swapaxes(0, 1))


def _conditioned(x: Array, phi: Array, g: float, gamma: float, rng: np.random.Generator) -> Array:
    """One J for each x (M, N) from the ensemble under the condition J phi = x, (M, N, N).

    Cov(J_ij, (J phi)_k) = (g^2/N) (d_ik phi_j + gamma d_jk phi_i): a free draw is corrected by this
    times the inverse covariance of J phi, applied to what the condition lacks.
    """
    N = x.shape[1]
    J = g * np.stack([elliptic(N, gamma, rng) for _ in x])
    lacking = x - np.einsum("mij,mj->mi", J, phi)
    q = np.square(phi).mean(axis=1, keepdims=True)
    along = np.einsum("mi,mi->m", phi, lacking)[:, None] / (N * q) * gamma / (1 + gamma)
    y = (lacking - along * phi) / (q * N)
    return J + y[:, :, None] * phi[:, None, :] + gamma * phi[:, :, None] * y[:, None, :]


def average(sums: Array) -> WeightedAverage:
    """q_w from independent sums of w q and w q^2, shape (draw, weight, 2)."""
    mean = sums.mean(axis=0)
    q = mean[:, 1] / mean[:, 0]
    root = np.sqrt(len(sums))
    deviation = np.std(sums[:, :, 1] - q * sums[:, :, 0], axis=0, ddof=1)
    return WeightedAverage(
        q=q,
        q_error=deviation / np.abs(mean[:, 0]) / root,
        total=mean[:, 0],
        total_error=np.std(sums[:, :, 0], axis=0, ddof=1) / root,
    )


LONG_NAMES = {
    "q": "mean of q over fixed points with weight w q",
    "q_error": "its standard error",
    "total": "mean over networks of the sum of w q over fixed points",
    "total_error": "its standard error",
}


def run(spec: WeightingSpec) -> xr.Dataset:
    """Averages at every gamma and N of a spec.

    Returns
    -------
    xarray.Dataset
        Over (gamma, N, weight): ``q_enumerated``, ``total_enumerated`` (NaN at sizes that are not
        enumerated), ``q_integrated``, ``total_integrated``, each with ``_error``.  Over (gamma, N):
        ``incomplete``, the part of the networks that were given up, and ``status``.
    """
    transfer = transfer_function(spec.transfer)
    shape = (len(spec.gamma), len(spec.N))
    values = {
        f"{name.replace('_error', '')}_{route}{'_error' * name.endswith('_error')}": np.full(
            (*shape, len(WEIGHTS)), np.nan
        )
        for name in LONG_NAMES
        for route in ("enumerated", "integrated")
    }
    incomplete = np.full(shape, np.nan)
    streams = np.random.SeedSequence(spec.entropy).spawn(shape[0] * shape[1])

    def store(point: tuple[int, int], route: str, found: WeightedAverage) -> None:
        for name in ("q", "total"):
            values[f"{name}_{route}"][point] = getattr(found, name)
            values[f"{name}_{route}_error"][point] = getattr(found, f"{name}_error")

    points = Progress(spec.key, "points", len(streams))
    for index, stream in enumerate(points.over(streams)):
        point = divmod(index, shape[1])
        gamma, N = spec.gamma[point[0]], spec.N[point[1]]
        rng = np.random.default_rng(stream)
        store(point, "integrated", integrate(N, spec.g, gamma, transfer, spec.draws, rng))
        if N <= spec.largest:
            networks = Progress("fixed points", "networks", spec.networks, within=points)
            couplings = spec.g * np.stack([elliptic(N, gamma, rng) for _ in range(spec.networks)])
            found = enumerate_networks(couplings, transfer, spec.starts, spec.rounds, rng, networks)
            store(point, "enumerated", average(np.array([sums(network) for network in found])))
            given_up = [network.status is not Status.CONVERGED for network in found]
            incomplete[point] = np.mean(given_up)
    status = np.where(incomplete > 0, Status.NOT_CONVERGED.code, Status.CONVERGED.code)
    routes = {"enumerated": ", enumerated", "integrated": ", integrated over x"}
    variables = {}
    for name, array in values.items():
        route = "enumerated" if "enumerated" in name else "integrated"
        long_name = LONG_NAMES[name.replace(f"_{route}", "")] + routes[route]
        variables[name] = (
            ("gamma", "N", "weight"),
            array,
            {"long_name": long_name, "units": "1"},
        )
    variables["incomplete"] = (
        ("gamma", "N"),
        incomplete,
        {
            "long_name": "part of the networks whose search was given up",
            "units": "1",
        },
    )
    variables["status"] = (("gamma", "N"), status.astype(np.int8), STATUS_ATTRIBUTES)
    coordinates = {
        "gamma": ("gamma", np.array(spec.gamma), {"long_name": "asymmetry gamma", "units": "1"}),
        "N": ("N", np.array(spec.N), {"long_name": "number of units", "units": "1"}),
        "weight": (
            "weight",
            np.array(WEIGHTS, object),
            {"long_name": "weight of a fixed point", "units": "1"},
        ),
    }
    return xr.Dataset(variables, coords=coordinates)
