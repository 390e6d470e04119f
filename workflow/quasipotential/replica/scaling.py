"""Exponent of q ~ A T^a at the transition g (1 + gamma) = 1.

Expansion for small q with phi = tanh. With y = phi(x) as the variable of integration,
x = y + y^3/3 + ..., the replicated single-site weight (docs/theory.md, section 2) is Gaussian in
(p, y), p = -i x^, up to

    -p y^3/3 (from x)  and  y^2 (from dx/dy).

Let Q and G be the n x n matrices of <y_a y_b> and <p_a y_b>. The Gaussian part is stationary over
<p_a p_b> and G; the first-order averages of the other two are -tr(G_aa Q_aa) and tr Q_aa:

    n Phi = tr f(T Q^-1) - sum_a (G_aa - 1) Q_aa + ...,    G = 1/(1/(1 + gamma) + T Q^-1),
    f(t) = -(1/2) / (1/(1 + gamma) + t) - (1/2) ln(1/(1 + gamma)^2 + t),

with g = 1/(1 + gamma) inserted, for which f'(0) = 0. With b = (1 - gamma)(1 + gamma)^3:
f''(0) = -b/2; at gamma = 1, where b = 0, f'''(0) = -16. Terms of order q^2 are left out.

- 0 < gamma < 1, Q_ab = 0: Phi = const - b T^2/(4 q^2) - gamma q is stationary at
  q^3 = b T^2/(2 gamma).
- gamma = 1: Phi = const - (8/3) T^3/q^3 - q, so that q^4 = 8 T^3.
- gamma = 0: the term gamma q is missing, and q^2 decides. The closed form q = E tanh^2(sqrt(T+q) z)
  = (T + q) - 2 (T + q)^2 + ... gives q = sqrt(T/2).
- -1 < gamma < 0: -gamma q has the wrong sign, there is no solution with Q_ab = 0 that vanishes with
  T (the one that exists tends to a constant q and is unstable). Off-diagonal Q_ab = Q = q - d with
  d << q enter through tr h(Q)/n -> h(d) + Q h'(d) for n -> 0:

      Phi = const + b T^2 q/(2 d^3) - [gamma + (1 + gamma)^2 T q/d^2] q

  is stationary at d^3 = b T^2/|gamma| and q = (3/4)(1 - gamma^2) T^(2/3) (T^(2/3)/d), that is

      q = (3/4) [|gamma| (1 - gamma)^2]^(1/3) T^(1/3),    q - Q = (b/|gamma|)^(1/3) T^(2/3).

  This is the replica-symmetric result. The solution is marginally unstable to breaking: its
  multiplier tends to 1 from above.

To this order another phi = x - kappa x^3/3 + ... is tanh with x in units of kappa^(-1/2), T and q
in units of 1/kappa: the exponent is the same, and the amplitude is A kappa^(a - 1).

Corrections are relative powers T^c, c = 1/3 in general, 1/2 at gamma = 0 and 1/4 at gamma = 1.

The exponent from the data knows nothing of this: ln q = ln A + a ln T + B T^c + C T^(2c) is fitted
with all five numbers free to the six coldest temperatures. Its error is the largest distance from
the fits without C to the coldest five, six and seven, and the errors of the solutions carried
through the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from ..specs import ReplicaSpec, ScalingSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from . import solutions

Array = np.ndarray

WINDOW = 6  # coldest temperatures, for five parameters
CORRECTIONS = (0.1, 2.0)  # where c is looked for
NEIGHBOUR = 0.03  # distance in ln T for local exponents; their error is of its square
ROUNDING = 1e-12  # of ln q, at least

LONG_NAMES = {
    "q": "self-overlap E<phi^2>",
    "Q": "overlap of replicas E<phi>^2",
    "local_exponent": "d ln q / d ln T",
    "residual": "largest residual of the saddle-point equations, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
    "exponent": "exponent a of q = A T^a for T -> 0, fitted",
    "exponent_error": "error of the exponent: from other fits and the errors of q",
    "amplitude": "amplitude A of q = A T^a for T -> 0, fitted",
    "amplitude_error": "error of the amplitude: from other fits and the errors of q",
    "predicted_exponent": "exponent by the expansion for small q",
    "predicted_amplitude": "amplitude by the expansion for small q",
}


@dataclass(frozen=True)
class PowerLaw:
    """q = amplitude T^exponent, with errors (0 for a closed form, NaN if nothing is known)."""

    exponent: float
    amplitude: float
    exponent_error: float = 0.0
    amplitude_error: float = 0.0


def prediction(gamma: float, cubic: float = 1.0) -> PowerLaw:
    """Leading law for T -> 0 at g (1 + gamma) = 1, -1 < gamma <= 1.

    ``cubic`` is kappa; without one (NaN, 0) no law is known.
    """
    if not cubic > 0:
        return PowerLaw(np.nan, np.nan)
    if gamma == 0:
        exponent, amplitude = 1 / 2, np.sqrt(1 / 2)
    elif gamma == 1:
        exponent, amplitude = 3 / 4, 8 ** (1 / 4)
    elif gamma > 0:
        exponent, amplitude = 2 / 3, ((1 - gamma) * (1 + gamma) ** 3 / (2 * gamma)) ** (1 / 3)
    else:
        exponent, amplitude = 1 / 3, 0.75 * (-gamma * (1 - gamma) ** 2) ** (1 / 3)
    return PowerLaw(exponent, float(amplitude * cubic ** (exponent - 1)))


def _fit(log_T: Array, log_q: Array, terms: int) -> Array:
    """Exponent and ln A from ln q = ln A + a ln T + B T^c (+ C T^(2c)); ``terms`` is 1 or 2."""

    def columns(c: float) -> Array:
        power = np.exp(c * (log_T - log_T.max()))
        corrections = [power**n for n in range(1, terms + 1)]
        return np.stack([log_T, np.ones_like(log_T), *corrections], axis=1)

    def misfit(c: float) -> float:
        basis = columns(c)
        return float(np.linalg.norm(basis @ np.linalg.lstsq(basis, log_q)[0] - log_q))

    best = optimize.minimize_scalar(misfit, bounds=CORRECTIONS, method="bounded").x
    return np.linalg.lstsq(columns(best), log_q)[0][:2]


def fit_power_law(temperatures: Array, q: Array, error: Array) -> PowerLaw:
    """Law for T -> 0 from solutions at falling temperatures.

    Parameters
    ----------
    temperatures : array, shape (points,)
        Rising; at least ``WINDOW``.
    q : array, shape (points,)
        Solutions.
    error : array, shape (points,)
        Relative errors of q.

    Returns
    -------
    PowerLaw
        From the coldest ``WINDOW`` points; one more is used for the errors, if there is one.
    """
    log_T, log_q = np.log(temperatures), np.log(q)
    cold = slice(WINDOW)
    best = _fit(log_T[cold], log_q[cold], terms=2)
    others = [_fit(log_T[:n], log_q[:n], terms=1) for n in (WINDOW - 1, WINDOW, WINDOW + 1)]
    shifts = np.diag(np.maximum(error[cold], ROUNDING))
    moved = [_fit(log_T[cold], log_q[cold] + shift, terms=2) - best for shift in shifts]
    errors = np.abs(others - best).max(axis=0) + np.sqrt(np.sum(np.square(moved), axis=0))
    amplitude = np.exp(best[1])
    return PowerLaw(*map(float, (best[0], amplitude, errors[0], amplitude * errors[1])))


def run(spec: ScalingSpec) -> xr.Dataset:
    """Solutions at g = 1/(1 + gamma) and the law that they follow.

    Each temperature has two neighbours, from which its local exponent comes. The gain is rounded
    to 12 digits like all fields of a spec; down to T = 1e-10 this changes ln q by less than 1e-8.

    Returns
    -------
    xarray.Dataset
        Over temperature: q, Q, local exponent, residual, quadrature error, status. Without
        dimension: fitted exponent and amplitude with errors (NaN with fewer than ``WINDOW``
        converged solutions), and the predicted ones. All dimensionless.
    """
    temperatures = np.array(spec.temperatures)
    around = temperatures[:, None] * np.exp([-NEIGHBOUR, 0.0, NEIGHBOUR])
    grid = solutions.run(
        ReplicaSpec(
            gamma=spec.gamma,
            g=(1 / (1 + spec.gamma),),
            temperatures=tuple(around.ravel()),
            transfer=spec.transfer,
            tolerance=spec.tolerance,
            quadrature_tolerance=spec.quadrature_tolerance,
        )
    ).isel(g=0, drop=True)
    rank = np.argsort(np.argsort(around, axis=None)).reshape(around.shape)
    points = grid.isel(temperature=rank[:, 1])
    log_q = np.log(grid["q"].values)
    local = (log_q[rank[:, 2]] - log_q[rank[:, 0]]) / (2 * NEIGHBOUR)

    good = points["status"].values == Status.CONVERGED.code
    if good.sum() >= WINDOW:
        error = points["residual"].values + points["quadrature_error"].values
        fitted = fit_power_law(temperatures[good], points["q"].values[good], error[good])
    else:
        fitted = PowerLaw(np.nan, np.nan, np.nan, np.nan)
    predicted = prediction(spec.gamma, transfer_function(spec.transfer).cubic)

    data = {name: points[name].values for name in ("q", "Q", "residual", "quadrature_error")}
    data |= {"local_exponent": local} | vars(fitted)
    data |= {
        "predicted_exponent": predicted.exponent,
        "predicted_amplitude": predicted.amplitude,
    }
    variables = {
        name: (
            ("temperature",) * np.ndim(data[name]),
            data[name],
            {"long_name": text, "units": "1"},
        )
        for name, text in LONG_NAMES.items()
    }
    variables["status"] = ("temperature", points["status"].values, STATUS_ATTRIBUTES)
    coordinate = ("temperature", temperatures, grid["temperature"].attrs)
    return xr.Dataset(variables, coords={"temperature": coordinate})
    variables = {}
    for name, long_name in LONG_NAMES.items():
        dims = ("temperature",) * np.ndim(data[name])
        variables[name] = (dims, data[name], {"long_name": long_name, "units": "1"})
    variables["status"] = ("temperature", points["status"].values, STATUS_ATTRIBUTES)
    coordinate = ("temperature", temperatures, grid["temperature"].attrs)
    return xr.Dataset(variables, coords={"temperature": coordinate})
