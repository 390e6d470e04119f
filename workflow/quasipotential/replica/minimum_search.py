r"""What the tolerance of a search for minima does to the published iteration at zero temperature.

In the ansatz of module `ansatz` the activity x* of a site minimises, at fixed fields h and b,

.. math::

    \frac{(x - h - \Gamma\phi)^2}{2(1 + g^2\chi)} + \hat\chi\,\phi^2 - b\,\phi .

The public code finds it by golden sections of [-10, 0] and of [0, 10], until the middle of the
bracket moves by less than 10^-12, and takes the lower of both.  (It compares the ends of a bracket
where a golden section compares two points inside; with one minimum both come to the same.)  Below
the transition q falls by a factor at each step of the damped iteration.  The minima found are right
as long as |x*| is large against the tolerance.  Then they stay of its order, whatever the fields
are: q stops at about its square, and the response -xi and chi settle beside their limits.

Here the fields are on quantiles of the normal distribution, `nodes` for each: where phi(x) = x, on
this side of the transition, nothing else than the search is in error.  The start is small, where
phi(x) = x up to rounding: the iteration has no other memory of it.

References: Qiu & Huang, arXiv 2401.10009, Fig. 6, and the authors' public code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import special

from ..specs import MinimumSearchSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

Array = np.ndarray

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
EDGE = 10.0  # of the searched range
COARSE = 2 / 3  # of the nodes, for the error

LONG_NAMES = {
    "q": "self-overlap at which the iteration stops falling",
    "chi": "chi = (q - Q)/T there",
    "G": "response G = -xi there",
    "error": "distance of G from the one with 2/3 of the nodes",
    "change": "relative change of q, chi and G in the last step, the largest",
}


@dataclass(frozen=True)
class Iterate:
    """Order parameters of the ansatz in the paper's symbols; kappa and Gamma lag by one step."""

    q: float
    chi: float
    Qhat: float
    chihat: float
    r_tilde: float
    xi: float
    kappa: float
    Gamma: float


@dataclass(frozen=True)
class Resting:
    """Where the iteration comes to rest.

    Attributes
    ----------
    last : Iterate or None
        None if it has left the domain of the equations.
    change : float
        Largest relative change of q, chi and xi in the last step.
    """

    last: Iterate | None
    change: float


def golden_section(
    energy: Callable[[Array], Array], low: float, high: float, size: int, tolerance: float
) -> Array:
    """Minima in [low, high] of functions with one minimum each, shape (size,).

    Parameters
    ----------
    energy : callable
        Values of all functions at one point each, shape (size,).
    low, high : float
        The range.
    size : int
        Number of functions.
    tolerance : float
        Absolute; the search ends where all middles of the brackets move by less.
    """
    left, right = np.full(size, low), np.full(size, high)
    middle = (left + right) / 2
    while True:
        width = GOLDEN * (right - left)
        inner_left, inner_right = right - width, left + width
        falls = energy(inner_left) <= energy(inner_right)
        left, right = np.where(falls, left, inner_left), np.where(falls, inner_right, right)
        moved = (left + right) / 2
        if np.all(np.abs(moved - middle) < tolerance):
            return moved
        middle = moved


def minima(energy: Callable[[Array], Array], size: int, tolerance: float) -> Array:
    """The lower of the minima on both sides of 0, shape (size,)."""
    below = golden_section(energy, -EDGE, 0.0, size, tolerance)
    above = golden_section(energy, 0.0, EDGE, size, tolerance)
    return np.where(energy(below) > energy(above), above, below)


def step(
    old: Iterate, g: float, gamma: float, transfer: TransferFunction, fields: Array, spec
) -> Iterate:
    """One damped step of the published iteration, with its way to stay in the domain.

    Parameters
    ----------
    fields : array, shape (2, size)
        u and v, of mean 0 and variance 1 each.
    """
    u, v = fields
    root, s = np.sqrt(old.q), 1 + g**2 * old.chi
    remainder = np.sqrt(old.Qhat - old.kappa**2 / (g**2 * old.q))
    h = g * root * v
    b = remainder * u + old.kappa / (g * root) * v

    def energy(x: Array) -> Array:
        phi = transfer.phi(x)
        return (x - h - old.Gamma * phi) ** 2 / (2 * s) + (old.chihat * phi - b) * phi

    x = minima(energy, u.size, spec.search_tolerance)
    phi = transfer.phi(x)
    phi2, w = np.mean(phi**2), x - h - old.Gamma * phi
    u_phi, v_phi = np.mean(u * phi), np.mean(v * phi)
    image = Iterate(
        q=phi2,
        chi=u_phi / remainder,
        Qhat=g**2 * np.mean(w**2) / s**2,
        chihat=g**2 / (2 * s)
        - g * np.mean(v * x) / (2 * s * root)
        - old.kappa**2 * u_phi / (2 * (g * old.q) ** 2 * remainder)
        + (g * old.Gamma / s + old.kappa / (g * old.q)) * v_phi / (2 * root),
        r_tilde=np.mean(w * phi) / s,
        xi=old.kappa * u_phi / (g**2 * old.q * remainder) - v_phi / (g * root),
        kappa=g**2 * gamma * old.r_tilde,
        Gamma=-(g**2) * gamma * old.xi,
    )
    mixed = {
        name: float(spec.damping * value + (1 - spec.damping) * getattr(image, name))
        for name, value in vars(old).items()
    }
    bound = g**2 * mixed["q"] * mixed["Qhat"]
    if mixed["kappa"] ** 2 > bound:
        mixed["kappa"] = float(np.sqrt(0.1 * bound))
    return Iterate(**mixed)


def rest(spec: MinimumSearchSpec, g: float, nodes: int) -> Resting:
    """Iterate at one gain."""
    normal = special.ndtri((np.arange(nodes) + 0.5) / nodes)
    normal /= np.sqrt(np.mean(normal**2))
    fields = np.stack(np.meshgrid(normal, normal)).reshape(2, -1)
    transfer = transfer_function(spec.transfer)
    here = Iterate(spec.q, 1.0, 1e-3 * spec.q, 0.0, 1e-3 * spec.q, -1.0, 0.0, 0.0)
    change = np.nan
    for _ in range(spec.iterations):
        if not (here.q > 0 and g**2 * here.q * here.Qhat > here.kappa**2):
            return Resting(None, np.nan)
        new = step(here, g, spec.gamma, transfer, fields, spec)
        pairs = ((new.q, here.q), (new.chi, here.chi), (new.xi, here.xi))
        change = max(abs(after / before - 1) for after, before in pairs)
        here = new
    return Resting(here, change)


def run(spec: MinimumSearchSpec) -> xr.Dataset:
    """Iterate at each gain of a spec.

    Returns
    -------
    xarray.Dataset
        Variables over g, dimensionless. NaN where the iteration leaves the domain of the equations
        (status ``UNPHYSICAL``); ``NOT_CONVERGED`` where it does not come to rest.
    """
    fields = {name: np.full(len(spec.g), np.nan) for name in LONG_NAMES}
    status = np.full(len(spec.g), Status.UNPHYSICAL.code, dtype=np.int8)
    for i, g in enumerate(spec.g):
        fine, coarse = (rest(spec, g, n) for n in (spec.nodes, round(COARSE * spec.nodes)))
        if fine.last is None or coarse.last is None:
            continue
        values = {
            "q": fine.last.q,
            "chi": fine.last.chi,
            "G": -fine.last.xi,
            "error": abs(fine.last.xi - coarse.last.xi),
            "change": fine.change,
        }
        for name, value in values.items():
            fields[name][i] = value
        at_rest = fine.change <= spec.tolerance
        status[i] = (Status.CONVERGED if at_rest else Status.NOT_CONVERGED).code
    variables = {
        name: ("g", values, {"long_name": LONG_NAMES[name], "units": "1"})
        for name, values in fields.items()
    }
    variables["status"] = ("g", status, STATUS_ATTRIBUTES)
    g = ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"})
    return xr.Dataset(variables, coords={"g": g})
