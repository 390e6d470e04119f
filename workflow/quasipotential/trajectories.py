r"""Trajectories of the original dynamics on one network.

    dx/dt = -x + J phi(x)                          (method ``dop853``, adaptive, error-controlled)
    dx = (-x + J phi(x)) dt + sigma dW             (method ``euler``, Euler-Maruyama)

with J = g * couplings.  Since dx/dt = -r, the quasi-potential per unit on the way is
E/N = |r|^2/(2N).  A run of ``discard`` time units precedes the record; times count from the start.

Averages over the units i of a trajectory:

    correlation_phi(t, t') = (1/N) sum_i phi_i(t) phi_i(t')
    autocorrelation_x(lag) = (1/N) sum_i < x_i(t) x_i(t + lag) >_t,   likewise for phi

where <.>_t is the mean over all pairs of records with that lag (unbiased for a stationary record).
Everything is dimensionless.

References
----------
J. Qiu and H. Huang, arXiv:2401.10009, section II and figure 1; docs/theory.md, sections 1 and 9.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import fft, integrate

from .couplings import as_matrix
from .couplings import run as draw
from .disorder import join_networks, on_network
from .potential import fixed_points, residual
from .progress import Progress
from .specs import Interval, TrajectoriesSpec
from .status import STATUS_ATTRIBUTES, Status
from .transfer import TransferFunction, transfer_function

LARGEST_CORRELATION = 401  # records beyond which the two-time correlation is not kept

LONG_NAMES = {
    "trajectory": "index of the trajectory",
    "neuron": "index of the unit",
    "time": "time since the start",
    "time2": "second time since the start",
    "lag": "time between two records",
    "fixed_point": "index of the fixed point",
    "x": "activity of a unit",
    "energy": "quasi-potential per unit, E/N",
    "mean_x": "mean of x over the units",
    "mean_square_x": "mean of x^2 over the units",
    "mean_phi": "mean of phi over the units",
    "mean_square_phi": "mean of phi^2 over the units",
    "correlation_phi": "mean of phi(time) phi(time2) over the units",
    "autocorrelation_x": "mean of x(t) x(t + lag) over the units and the record",
    "autocorrelation_phi": "mean of phi(t) phi(t + lag) over the units and the record",
    "fixed_points": "fixed points of the noiseless dynamics",
    "fixed_point_residual": "largest residual |x - J phi(x)| of a unit at the fixed point",
    "fixed_point_growth_rate": "largest real part of the eigenvalues of -1 + J phi'",
}


def integrate_euler(
    start: np.ndarray,
    J: np.ndarray,
    transfer: TransferFunction,
    noise: float,
    step: float,
    steps: int,
    skip: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """States of Euler-Maruyama after ``skip``, ``skip`` + 1, ..., ``steps`` steps.

    Parameters
    ----------
    start : ndarray, shape (N, K)
        One column per trajectory.
    J : ndarray, shape (N, N)
    transfer : TransferFunction
    noise, step : float
        sigma and dt.
    steps, skip : int
    rng : Generator

    Returns
    -------
    ndarray, shape (K, N, steps - skip + 1)
    """
    x = start.copy()
    states = np.empty((start.shape[1], start.shape[0], steps - skip + 1))
    progress = Progress("Euler-Maruyama", "steps", steps + 1)
    for index in progress.over(range(steps + 1)):
        if index >= skip:
            states[..., index - skip] = x.T
        x -= step * residual(x, J, transfer)
        if noise:
            x += noise * np.sqrt(step) * rng.standard_normal(x.shape)
    return states


def integrate_dop853(
    start: np.ndarray,
    J: np.ndarray,
    transfer: TransferFunction,
    time: np.ndarray,
    rtol: float,
    atol: float,
    within: Progress | None = None,
) -> np.ndarray:
    """States at the given times, by the Runge-Kutta method of order 8(5,3) with dense output.

    Parameters
    ----------
    start : ndarray, shape (N,)
    J : ndarray, shape (N, N)
    transfer : TransferFunction
    time : ndarray, shape (M,)
        Increasing; the start is at time 0.
    rtol, atol : float
    within : Progress, optional
        Loop of which this trajectory is an item.

    Returns
    -------
    ndarray, shape (N, M)
        NaN at the times that the integrator did not reach.
    """
    progress = Progress("DOP853", "units of time", time[-1], within=within)

    def velocity(t: float, x: np.ndarray) -> np.ndarray:
        progress.reach(t)
        return -residual(x, J, transfer)

    solution = integrate.solve_ivp(
        velocity,
        (0.0, time[-1]),
        start,
        method="DOP853",
        t_eval=time,
        rtol=rtol,
        atol=atol,
    )
    reached = np.reshape(solution.y, (len(start), -1))  # an empty list if it reached no time
    states = np.full((len(start), len(time)), np.nan)
    states[:, : reached.shape[1]] = reached
    return states


def autocorrelation(series: np.ndarray, lags: int) -> np.ndarray:
    """Mean of s_i(t) s_i(t + lag) over i and t for the lags 0, ..., ``lags`` - 1.

    Parameters
    ----------
    series : ndarray, shape (N, M)
        M records of N units.
    lags : int
        At most M.
    """
    N, M = series.shape
    size = fft.next_fast_len(M + lags, real=True)  # zeros enough that no lag wraps around
    power = np.square(np.abs(fft.rfft(series, size, axis=1))).sum(axis=0)
    return fft.irfft(power, size)[:lags] / (N * (M - np.arange(lags)))


def run(spec: TrajectoriesSpec, couplings: np.ndarray | None = None) -> xr.Dataset:
    """Trajectories of a spec.

    Parameters
    ----------
    spec : TrajectoriesSpec
    couplings : ndarray, shape (N, N), or None
        J/g with dims (post, pre); None if the spec holds the matrix, or several networks.

    Returns
    -------
    Dataset
        Dims trajectory, neuron (the first ``spec.neurons`` units), time and lag, and before them
        network if the spec has several.  The two-time correlation of phi is there for records of
        up to ``LARGEST_CORRELATION`` times.  For a matrix that the spec holds, ``fixed_points``
        are those that a root finder reaches from the starts, from the ends of the trajectories and
        from the origin.  ``status(trajectory)`` is NOT_CONVERGED where the integrator gave up; the
        record is NaN from there on.

    Raises
    ------
    ValueError
        If couplings come with a spec that draws its own, or are not those of N units.
    """
    if spec.networks is not None:
        if couplings is not None:
            raise ValueError(
                f"{spec.key} draws the couplings of its networks, none are to be given"
            )
        return _on_several(spec)
    J = spec.g * as_matrix(spec.matrix if couplings is None else couplings, spec.size)
    transfer = transfer_function(spec.transfer)
    start_rng, rng = map(np.random.default_rng, np.random.SeedSequence(spec.entropy).spawn(2))
    if isinstance(spec.start, Interval):
        start = start_rng.uniform(spec.start.low, spec.start.high, (1, spec.size))
    else:
        start = np.array(spec.start)

    skip = round(spec.discard / spec.interval)
    steps = skip + round(spec.duration / spec.interval)
    time = spec.interval * np.arange(skip, steps + 1)
    lags = (len(time) + 1) // 2
    if spec.method == "euler":
        states = integrate_euler(start.T, J, transfer, spec.noise, spec.interval, steps, skip, rng)
    else:
        progress = Progress(spec.key, "trajectories", len(start))
        states = np.array(
            [
                integrate_dop853(x, J, transfer, time, spec.rtol, spec.atol, progress)
                for x in progress.over(start)
            ]
        )
    rates = transfer.phi(states)

    complete = np.isfinite(states[..., -1]).all(axis=1)
    status = np.where(complete, Status.CONVERGED.code, Status.NOT_CONVERGED.code).astype(np.int8)
    over_time = {
        "energy": [0.5 * np.square(residual(x, J, transfer)).mean(axis=0) for x in states],
        "mean_x": states.mean(axis=1),
        "mean_square_x": np.square(states).mean(axis=1),
        "mean_phi": rates.mean(axis=1),
        "mean_square_phi": np.square(rates).mean(axis=1),
    }
    over_lag = {
        "autocorrelation_x": [autocorrelation(x, lags) for x in states],
        "autocorrelation_phi": [autocorrelation(phi, lags) for phi in rates],
    }
    dataset = xr.Dataset(
        {"x": (("trajectory", "neuron", "time"), states[:, : spec.neurons])}
        | {name: (("trajectory", "time"), values) for name, values in over_time.items()}
        | {name: (("trajectory", "lag"), values) for name, values in over_lag.items()}
        | {"status": ("trajectory", status, STATUS_ATTRIBUTES)},
        coords={
            "trajectory": np.arange(len(start)),
            "neuron": np.arange(spec.neurons),
            "time": time,
            "lag": spec.interval * np.arange(lags),
        },
    )
    if len(time) <= LARGEST_CORRELATION:
        correlation = rates.transpose(0, 2, 1) @ rates / spec.size
        dataset["correlation_phi"] = (("trajectory", "time", "time2"), correlation)
        dataset.coords["time2"] = time
    if spec.matrix is not None:
        origin = np.zeros((1, spec.size))
        found = fixed_points(J, transfer, np.vstack([start, states[complete, :, -1], origin]))
        dataset["fixed_points"] = (("fixed_point", "neuron"), found.points[:, : spec.neurons])
        dataset["fixed_point_residual"] = ("fixed_point", found.residual)
        dataset["fixed_point_growth_rate"] = ("fixed_point", found.growth_rate)
        dataset.coords["fixed_point"] = np.arange(len(found.points))
    for name, variable in dataset.variables.items():
        if name != "status":
            variable.attrs.update(long_name=LONG_NAMES[name], units="1")
    return dataset


def _on_several(spec: TrajectoriesSpec) -> xr.Dataset:
    """The trajectories of each network, which have the bits of a job of its own."""
    networks = []
    for member in spec.members():
        dataset = run(member, draw(member.couplings)["couplings"].values)
        networks.append(on_network(dataset, member.couplings.seed))
    return join_networks(networks)
