"""One step of replica-symmetry breaking with Q_0 = 0 (docs/theory.md, section 5).

Ansatz. The n replicas form n/m blocks of size m. Inside a block the order parameters of
docs/theory.md, section 2, are Q_aa = q, Q_ab = Q1, G_aa = G_d = G + R1, G_ab = R1, with conjugates
q^ and Q1^; between blocks all of them vanish. Blocks decouple. Gaussian fields (h, B) decouple the
replicas inside a block as they do all replicas in the symmetric theory (module `single_site`),

    Var h = g^2 Q1,  Var B = Q1^,  Cov(h, B) = g^2 gamma R1,  s2 = T + g^2 (q - Q1),
    rho = g^2 gamma G,

so that a block contributes E zeta^m with the same single-site integral zeta(h, B), and
m (m - 1)/2 pairs. The exponent of the replicated partition function, divided by n, is

    Phi = -q^ q + (1 - m) Q1^ Q1/2 - (g^2 gamma/2) [G_d^2 - (1 - m) R1^2] + (1/m) ln E zeta^m.

Saddle point. With E_m[.] = E[zeta^m .]/E[zeta^m], and <.> over the single-site weight,

    q  = E_m<phi^2>     q^  = (g^2/2) E_m[<w^2>/s2^2 - 1/s2]     G  = E_m[<w phi> - <w><phi>]/s2
    Q1 = E_m<phi>^2     Q1^ = g^2 E_m<w>^2/s2^2                  R1 = E_m[<w><phi>]/s2

    dPhi/dm = -Q1^ Q1/2 - (g^2 gamma/2) R1^2 + (1/m) {E_m ln zeta - (1/m) ln E zeta^m} = 0.

At a generic point, with F[.] the right-hand sides, the derivatives of Phi are those of the
symmetric theory, with a factor 1 - m in those with respect to Q1, Q1^ and R1 (at fixed G_d).

Limits. m -> 0 is the symmetric theory. At m = 1 Phi does not depend on Q1, Q1^ and R1 and is the
annealed one, that of Q = 0. In between Phi(m), with the other equations solved, has a minimum.

Method. MINPACK's hybrid method in the unknowns of module `saddle_point` and logit m, from the
symmetric solution and one of a few m. Every equation but the last compares the unknowns with those
of the right-hand sides, which Cauchy-Schwarz keeps in the domain; dPhi/dm is taken in units of
Q1 Q1^. The Jacobian is made with the coarsest quadrature, which suffices for it. Breaking is looked
for where the symmetric solution has Q > 0 and a multiplier above 1 (module `stability`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import optimize, special

from ..progress import Progress
from ..specs import OneStepSpec, ReplicaSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from . import solutions
from .overlap import RULES
from .saddle_point import full_order, full_unknowns
from .single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    SiteAverages,
    energy,
    free_energy,
    site_averages,
)
from .stability import multiplier

Array = np.ndarray

STARTS = (0.3, 0.1, 0.03, 0.01)  # of m
DIFFERENCE = 1e-6  # of an unknown, for the Jacobian

ORDER = {"q": "q", "Q": "Q1", "qhat": "qhat", "Qhat": "Qhat1", "G": "G", "Rp": "R1"}
LONG_NAMES = {
    "q": "self-overlap E_m<phi^2>",
    "Q1": "overlap inside a block E_m<phi>^2",
    "qhat": "conjugate of q",
    "Qhat1": "conjugate of Q1",
    "G": "connected response",
    "R1": "off-diagonal response inside a block",
    "m": "size of a block",
    "free_energy": "log-partition density Phi with one step of breaking",
    "energy": "quasi-potential per unit E/N",
    "multiplier": "spectral abscissa of the stability matrix inside a block, stable below 1",
    "residual": "largest residual of the saddle-point equations, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
    "q_symmetric": "self-overlap of the replica-symmetric solution",
    "Q_symmetric": "overlap of the replica-symmetric solution",
    "free_energy_symmetric": "Phi of the replica-symmetric solution",
    "free_energy_annealed": "Phi of the solution with Q = 0, whether stable or not",
    "multiplier_symmetric": "spectral abscissa of the stability matrix, symmetric solution",
    "relative_shift": "change of q by the breaking, q/q_symmetric - 1",
}
ONE_STEP = tuple(LONG_NAMES)[:12]  # what is known of one solution with breaking


@dataclass(frozen=True)
class OneStepSolution:
    """One solution with one step of breaking.

    Attributes
    ----------
    model : Model
        With the m of the solution.
    order : OrderParameters
        ``Q``, ``Qhat`` and ``Rp`` are Q1, Q1^ and R1.
    averages : SiteAverages
        At the solution.
    residual : float
        Largest distance from the right-hand sides in natural units, or dPhi/dm in units of Q1 Q1^.
    iterations : int
        Evaluations of the equations, those of the Jacobian apart.
    """

    model: Model
    order: OrderParameters
    averages: SiteAverages
    residual: float
    iterations: int

    def distance(self, other: OneStepSolution) -> float:
        """Largest difference in natural units, that of m included."""
        return max(float(self.order.distance(other.order)), abs(self.model.m - other.model.m))


@dataclass(frozen=True)
class RefinedOneStep:
    """A solution at the finer of two quadratures, and its distance from the coarser."""

    solution: OneStepSolution
    quadrature_error: float


def block_slope(model: Model, order: OrderParameters, averages: SiteAverages) -> float:
    """dPhi/dm in units of Q1 Q1^, for order parameters with Q1 Q1^ > 0."""
    pairs = order.Qhat * order.Q + model.g**2 * model.gamma * order.Rp**2
    return (averages.log_weight_slope - pairs / 2) / (order.Qhat * order.Q)


def release(
    model: Model, start: OrderParameters, quadrature: Quadrature, tolerance: float
) -> OneStepSolution | None:
    """Solve for the order parameters and m together, from a start close to the solution.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` > 0 and ``temperature``, and ``m`` the start of m.
    start : OrderParameters
        With 0 < Q < q, Q^ > 0 and g |R'| < sqrt(Q Q^).
    quadrature : Quadrature
        Steps and reach.
    tolerance : float
        Largest residual that is accepted.

    Returns
    -------
    OneStepSolution or None
        None if the method fails from this start.
    """

    def point(unknowns: Array) -> tuple[Model, OrderParameters]:
        order = full_order(model, unknowns[:6])
        return replace(model, m=float(special.expit(unknowns[6]))), order

    def equations(unknowns: Array, rule: Quadrature = quadrature) -> Array:
        here, order = point(unknowns)
        averages = site_averages(here, order, rule)
        change = full_unknowns(model, averages.order) - unknowns[:6]
        return np.append(change, block_slope(here, order, averages))

    def jacobian(unknowns: Array) -> Array:
        base = equations(unknowns, RULES[0])
        moved = [equations(unknowns + DIFFERENCE * unit, RULES[0]) for unit in np.eye(7)]
        return (np.stack(moved, axis=1) - base[:, None]) / DIFFERENCE

    try:
        found = optimize.root(
            equations,
            np.append(full_unknowns(model, start), special.logit(model.m)),
            jac=jacobian,
            method="hybr",
            options={"xtol": 1e-13, "factor": 0.3, "maxfev": 400},
        )
        here, order = point(found.x)
        averages = site_averages(here, order, quadrature)
    except DomainError:
        return None
    slope = block_slope(here, order, averages)
    residual = max(float(order.distance(averages.order)), abs(slope))
    if not residual <= tolerance:
        return None
    return OneStepSolution(here, order, averages, residual, int(found.nfev))


def break_symmetry(
    model: Model, symmetric: OrderParameters, tolerance: float
) -> OneStepSolution | None:
    """Find the solution with 0 < m < 1 from an unstable symmetric one, or None.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` > 0 and ``temperature``.
    symmetric : OrderParameters
        Replica-symmetric solution with Q > 0.
    tolerance : float
        Largest residual that is accepted.
    """
    for m in STARTS:
        solution = release(replace(model, m=m), symmetric, RULES[0], tolerance)
        if solution is not None:
            return solution
    return None


def refine_one_step(
    coarse: OneStepSolution, tolerance: float, quadrature_tolerance: float
) -> RefinedOneStep | None:
    """Solve with finer and finer quadrature until two successive solutions agree.

    Parameters
    ----------
    coarse : OneStepSolution
        With the first of the rules.
    tolerance, quadrature_tolerance : float
        On the residual, and on the distance between successive solutions.

    Returns
    -------
    RefinedOneStep or None
        None if the solution is lost.
    """
    for rule in RULES[1:]:
        fine = release(coarse.model, coarse.order, rule, tolerance)
        if fine is None:
            return None
        error = fine.distance(coarse)
        if error <= quadrature_tolerance:
            break
        coarse = fine
    return RefinedOneStep(fine, error)


def run(spec: OneStepSpec) -> xr.Dataset:
    """Solve with and without breaking on the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Variables over (g, temperature), all dimensionless. The solution with breaking is NaN where
        ``breaking`` is 0 (the symmetric solution has Q = 0 or is stable) or -1 (a solution was not
        found). The status is the worse one of both solutions.
    """
    symmetric = solutions.run(ReplicaSpec(**spec.model_dump()))
    branch = symmetric["branch"].values
    applies = (branch == 1) & (symmetric["multiplier"].values > 1)
    breaking = np.minimum(branch, 0)
    status = symmetric["status"].values.copy()
    fields = {name: np.full(branch.shape, np.nan) for name in ONE_STEP}
    phi = transfer_function(spec.transfer).phi
    points = np.argwhere(applies)
    for i, j in Progress(spec.key, "points", len(points)).over(points):
        model = Model(spec.gamma, spec.g[i], spec.temperatures[j], phi)
        order = OrderParameters(**{name: float(symmetric[name][i, j]) for name in ORDER})
        coarse = break_symmetry(model, order, spec.tolerance)
        refined = coarse and refine_one_step(coarse, spec.tolerance, spec.quadrature_tolerance)
        if refined is None:
            breaking[i, j], status[i, j] = -1, Status.NOT_CONVERGED.code
            continue
        breaking[i, j] = 1
        if refined.quadrature_error > spec.quadrature_tolerance:
            status[i, j] = Status.INACCURATE.code
        for name, value in _values(refined).items():
            fields[name][i, j] = value

    for name in ("q", "Q", "free_energy", "multiplier"):
        fields[f"{name}_symmetric"] = symmetric[name].values
    centred = symmetric["candidate_free_energy"].where(symmetric["candidate_Q"] == 0)
    fields["free_energy_annealed"] = centred.max("candidate").values
    fields["relative_shift"] = fields["q"] / fields["q_symmetric"] - 1
    return _dataset(symmetric, fields, breaking, status)


def _values(refined: RefinedOneStep) -> dict[str, float]:
    solution = refined.solution
    model, averages = solution.model, solution.averages
    return {renamed: getattr(solution.order, name) for name, renamed in ORDER.items()} | {
        "m": model.m,
        "free_energy": free_energy(model, solution.order, averages),
        "energy": energy(model, averages),
        "multiplier": multiplier(averages.connected, model.g, model.gamma),
        "residual": solution.residual,
        "quadrature_error": refined.quadrature_error,
    }


def _dataset(
    symmetric: xr.Dataset, fields: dict[str, Array], breaking: Array, status: Array
) -> xr.Dataset:
    dims = ("g", "temperature")
    variables = {
        name: (dims, fields[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    variables["breaking"] = (
        dims,
        breaking.astype(np.int8),
        {
            "long_name": "one step of replica-symmetry breaking",
            "units": "1",
            "flag_values": np.array([-1, 0, 1], dtype=np.int8),
            "flag_meanings": "lost not_applicable solved",
        },
    )
    variables["status"] = (dims, status, STATUS_ATTRIBUTES)
    return xr.Dataset(variables, coords={name: symmetric[name] for name in dims})
