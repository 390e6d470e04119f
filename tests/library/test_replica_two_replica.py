"""Potential of two replicas: what rests on it (Q = 0 for gamma >= 0), and second routes to it."""

import numpy as np
import pytest
from scipy import optimize

from quasipotential.replica.single_site import Model, Quadrature, centred_averages
from quasipotential.replica.stability import overlap_variance, stability_matrix
from quasipotential.replica.two_replica import run, solve_pair
from quasipotential.specs import TwoReplicaSpec
from quasipotential.status import Status

FRACTIONS = (0.0, 0.02, 0.2, 0.5, 0.9, 0.99)


def solve(gamma, gc, temperatures, fractions=FRACTIONS, **options):
    spec = TwoReplicaSpec(
        gamma=gamma,
        g=tuple(np.atleast_1d(gc) / (1 + gamma)),
        temperatures=tuple(np.atleast_1d(temperatures)),
        fractions=fractions,
        **options,
    )
    return run(spec)


def all_converged(dataset):
    return bool((dataset["status"] == Status.CONVERGED.code).all())


@pytest.mark.parametrize("gamma", [0.0, 0.2, 0.5, 1.0])
def test_the_potential_falls_from_zero_overlap(gamma):
    """The claim of docs/theory.md, section 4: for gamma >= 0 no overlap but 0 has weight.

    V(0) = 0 compares double integrals with single ones, to rounding.  The path is the only one:
    Q rises along it, and no solution with unequal replicas splits off.
    """
    dataset = solve(gamma, (0.8, 1.0, 1.2, 2.0), (1e-4, 1e-1))
    assert all_converged(dataset)
    assert (dataset["monotone"] == 1).all()
    assert (dataset["V_largest"] < 0).all()
    np.testing.assert_allclose(dataset["V"].isel(fraction=0), 0, atol=1e-13)
    assert (dataset["Q"].diff("fraction") > 0).all()
    assert (dataset["exchange_determinant"] > 0).all()


def test_below_the_critical_temperature_the_potential_rises():
    """gamma = -0.5, gc = 1.2: T_c = 0.97715 (docs/theory.md, section 5), bracketed to 2e-3."""
    dataset = solve(-0.5, 1.2, (0.5, 0.975, 0.979), (0.02, 0.5, 0.9))
    assert all_converged(dataset)
    assert dataset["monotone"].values.tolist() == [[0, 0, 1]]
    assert dataset["V_largest"].values[0, 0] > 0.01
    assert (dataset["slope"].isel(fraction=0).values[0] > 0).tolist() == [True, True, False]


def test_the_potential_falls_up_to_nearly_equal_replicas():
    """At low temperature V has its last scale at q - Q of order T: fractions up to 1 - T/10."""
    dataset = solve(0.5, (1.2, 2.0), 1e-3, (0.5, 0.9, 0.99, 0.999, 0.9999))
    assert all_converged(dataset)
    assert (dataset["monotone"] == 1).all()


def test_positive_potential_beside_a_stable_zero_overlap():
    """gamma = -0.5, g = 1.5, T = 0.03: V falls at first and is positive at Q = 0.9 q.

    So E_J Z^2 is not (E_J Z)^2 there, and local stability does not make Q = 0 exact for gamma < 0.
    """
    dataset = solve(-0.5, 0.75, 0.03, (0.02, 0.9))
    assert all_converged(dataset)
    assert (dataset["slope"].isel(fraction=0) < 0).all()
    assert dataset["V_largest"].item() > 0.01


def test_slope_is_the_derivative_of_the_potential():
    """Central differences over a step h in Q/q: the error is 100 times smaller for h/10."""
    for gamma, T in ((0.5, 1e-3), (-0.5, 0.5)):
        errors = []
        for h in (0.04, 0.004):
            path = solve(gamma, 1.2, T, (0.5 - h, 0.5, 0.5 + h)).squeeze()
            differences = np.diff(path["V"][[0, 2]]) / np.diff(path["Q"][[0, 2]])
            # The middle of the interval in Q is not at the fraction 0.5: both are to order h^2.
            errors.append(abs(float(differences[0] / path["slope"][1]) - 1))
        assert errors[1] < 1e-4
        assert errors[1] == pytest.approx(errors[0] / 100, rel=0.05)


@pytest.mark.parametrize(("gamma", "T"), [(0.0, 1e-2), (0.5, 1e-4), (1.0, 1e-2), (-0.5, 0.6)])
def test_curvature_at_zero_overlap_is_that_of_the_stability_matrix(gamma, T):
    """V''(0) = det(M - 1)/minor: eliminate Q^ and G_ab + G_ba from the linear equations of section
    4.  slope/Q differs from it by O(fraction^2) = 1e-6, with a factor of order 10 at low T.

    exp(N V) is the weight of an overlap, so that N times its variance is -1/V''(0)."""
    dataset = solve(gamma, 1.3, T, (0.0, 1e-3)).squeeze()
    q, qhat, G = (dataset[name].values[:1] for name in ("q", "qhat", "G"))
    g = float(dataset["g"])
    model = Model(gamma, np.array([g]), np.array([T]), np.tanh)
    connected = centred_averages(model, q, qhat, G, Quadrature().refined()).connected
    M = stability_matrix(connected, model.g, gamma)[0]
    reduced = np.array([[M[0, 1], M[0, 2]], [M[2, 1], M[2, 2] - 1]])
    eliminated = np.linalg.solve(reduced, -np.array([M[0, 0] - 1, M[2, 0]]))
    curvature = M[1, 0] + np.array([M[1, 1] - 1, M[1, 2]]) @ eliminated
    assert float(dataset["slope"][1] / dataset["Q"][1]) == pytest.approx(curvature, rel=1e-4)
    assert (curvature > 0) == (np.linalg.eigvals(M).real.max() > 1) == (gamma < 0)
    variance = -1 / curvature if gamma >= 0 else np.nan
    found = overlap_variance(connected, model.g, gamma)
    assert found == pytest.approx(variance, rel=1e-8, nan_ok=True)


def psi_of_section_2(gamma, g, T, q, Q, qhat, Qhat, G, R):
    """Exponent of docs/theory.md, section 2, n = 2, as it stands there: (x, x') on a plain grid.

    ``q``, ``qhat``, ``G`` and ``R`` hold both replicas: q_aa, q^_a, G_aa and (G_12, G_21).
    """
    x = np.linspace(-14, 14, 241)
    phi = np.tanh(x)
    S = T * np.eye(2) + g**2 * np.array([[q[0], Q], [Q, q[1]]])
    w1 = x[:, None] - g**2 * gamma * (G[0] * phi[:, None] + R[1] * phi)
    w2 = x - g**2 * gamma * (R[0] * phi[:, None] + G[1] * phi)
    P = np.linalg.inv(S)
    exponent = -0.5 * (P[0, 0] * w1**2 + 2 * P[0, 1] * w1 * w2 + P[1, 1] * w2**2)
    exponent += qhat[0] * phi[:, None] ** 2 + qhat[1] * phi**2 + Qhat * np.outer(phi, phi)
    peak = exponent.max()
    zeta = np.exp(exponent - peak).sum() * (x[1] - x[0]) ** 2 / (2 * np.pi)
    products = G[0] ** 2 + G[1] ** 2 + 2 * R[0] * R[1]
    return (
        -Qhat * Q - np.dot(qhat, q) - 0.5 * g**2 * gamma * products
        + np.log(zeta) + peak - 0.5 * np.log(np.linalg.det(S))
    )  # fmt: skip


@pytest.mark.parametrize(("gamma", "T"), [(0.5, 0.05), (-0.5, 0.5)])
def test_solution_is_stationary_in_all_order_parameters(gamma, T):
    """Second route to Psi, slope and exchange determinant: the formula of section 2 in (x, x').

    All nine order parameters at fixed Q, unequal replicas included; differences of fourth order
    with a step of 2e-4: error 1e-9 observed, in units where the parameters are of order 1.
    """
    point = solve(gamma, 1.3, T, (0.5,)).squeeze()
    g, Q, q, qhat, Qhat, G, R = (
        float(point[name]) for name in ("g", "Q", "q", "qhat", "Qhat", "G", "Rp")
    )
    best = np.array([q, q, qhat, qhat, Qhat, G, G, R, R])

    def psi(v, Q):
        return psi_of_section_2(gamma, g, T, v[:2], Q, v[2:4], v[4], v[5:7], v[7:])

    def derivative(function, h=2e-4):
        near, far = (function(k * h) - function(-k * h) for k in (1, 2))
        return (8 * near - far) / (12 * h)

    gradient = [derivative(lambda d, e=e: psi(best + d * e, Q)) for e in np.eye(9)]
    np.testing.assert_allclose(gradient, 0, atol=1e-7)
    slope = derivative(lambda d: psi(best, Q + d))
    assert float(point["slope"]) == pytest.approx(slope, abs=1e-7)
    at_zero = solve(gamma, 1.3, T, (0.0,)).squeeze()
    single = np.array([float(at_zero[k]) for k in ("q", "q", "qhat", "qhat")])
    response = float(at_zero["G"])
    twice_Phi = psi(np.r_[single, 0, response, response, 0, 0], 0.0)
    assert float(point["V"]) == pytest.approx(psi(best, Q) - twice_Phi, abs=1e-10)

    # The Hessian in the directions odd under exchange is (B - 1) times a constant matrix.
    odd = np.zeros((4, 9))
    for row, start in enumerate((0, 2, 5, 7)):
        odd[row, start : start + 2] = (1, -1)
    hessian = [
        [
            derivative(lambda d, f=f, e=e: derivative(lambda c: psi(best + d * e + c * f, Q)), 1e-3)
            for f in odd
        ]
        for e in odd
    ]
    # Psi = -tr(Q^' Q)/2 - (g^2 gamma/2) tr G^2 + ..., (Q+-, Q^+-, G+-, G-+) with Q^' = 2 q^: the
    # constant matrix pairs Q with Q^' and G+- with G-+.  In the variables above it is [[0, -2],
    # [-2, 0]] for (q, q^) and diag(-2 g^2 gamma, 2 g^2 gamma) for (G, R).
    constant = 4 * (2 * g**2 * gamma) ** 2
    assert np.linalg.det(hessian) / constant == pytest.approx(
        float(point["exchange_determinant"]), rel=1e-4
    )


def test_at_gamma_zero_the_potential_is_a_rate_function():
    """V(Q) = max_q min_{q^, Q^} [-2 q^ q - Q^ Q + ln E exp(q^ (phi^2 + phi'^2) + Q^ phi phi')] with
    x, x' Gaussian, by Gauss-Hermite quadrature and scipy's optimisers (to 1e-8, observed 1e-10)."""
    g, T = 1.3, 0.1
    point = solve(0.0, g, T, (0.6,)).squeeze()
    Q = float(point["Q"])
    z, weight = np.polynomial.hermite_e.hermegauss(60)
    log_weight = np.log(np.outer(weight, weight) / (2 * np.pi))

    def rate(q):
        L = np.linalg.cholesky(T * np.eye(2) + g**2 * np.array([[q, Q], [Q, q]]))
        a = np.tanh(L[0, 0] * z)[:, None]
        b = np.tanh(L[1, 0] * z[:, None] + L[1, 1] * z)

        def dual(v):
            exponent = log_weight + v[0] * (a**2 + b**2) + v[1] * a * b
            return np.log(np.exp(exponent).sum()) - 2 * v[0] * q - v[1] * Q

        return optimize.minimize(dual, np.zeros(2), method="BFGS", options={"gtol": 1e-7}).fun

    best = optimize.minimize_scalar(
        lambda q: -rate(q), bounds=(Q * 1.2, 0.9), method="bounded", options={"xatol": 1e-7}
    )
    assert best.x == pytest.approx(float(point["q"]), abs=1e-4)
    assert -best.fun == pytest.approx(float(point["V"]), abs=1e-8)
    assert -best.fun < -1e-3


@pytest.mark.parametrize("gamma", [-0.6, 0.0, 0.7])
def test_linear_transfer_function(gamma):
    """phi = x: V(Q) = max_q [psi(q + Q) + psi(q - Q)] - 2 psi(q_0) with psi in closed form.

    With G = q/(T + g^2 (1 + gamma) q) and s2 = T + g^2 q, the Gaussian integral gives
    psi = -q^ q - g^2 gamma G^2/2 - ln(s2/q)/2,  q^ = ((1 - g^2 gamma G)^2/s2 - 1/q)/2.
    """
    g, T = 0.5 / (1 + abs(gamma)), 0.3

    def psi(q):
        s2 = T + g**2 * q
        G = q / (s2 + g**2 * gamma * q)
        qhat = ((1 - g**2 * gamma * G) ** 2 / s2 - 1 / q) / 2
        return -qhat * q - g**2 * gamma * G**2 / 2 - np.log(s2 / q) / 2

    dataset = run(
        TwoReplicaSpec(
            gamma=gamma, g=(g,), temperatures=(T,), fractions=(0.3, 0.6), transfer="linear"
        )
    )
    assert all_converged(dataset)
    for k in range(2):
        point = dataset.squeeze().isel(fraction=k)
        q, Q = float(point["q"]), float(point["Q"])
        h = 1e-5 * q
        stationary = (psi(q + h + Q) + psi(q + h - Q) - psi(q - h + Q) - psi(q - h - Q)) / (2 * h)
        assert stationary * q == pytest.approx(0, abs=1e-8)
        q0 = optimize.minimize_scalar(lambda x: -psi(np.exp(x)), bounds=(-4, 2), method="bounded")
        expected = psi(q + Q) + psi(q - Q) + 2 * q0.fun
        assert float(point["V"]) == pytest.approx(expected, abs=1e-8)


def test_the_solution_at_one_fraction_is_unique():
    """From scattered starts Newton's method finds the same solution or none."""
    rng = np.random.default_rng(5)
    for gamma, T in ((0.5, 1e-3), (-0.5, 0.5)):
        point = solve(gamma, 1.2, T, (0.5,)).squeeze()
        model = Model(gamma, float(point["g"]), T, np.tanh)
        starts = np.column_stack(
            [
                np.log(float(point["q"]) * np.exp(rng.uniform(-2, 0.5, 12))),
                *rng.normal(0, 0.5, (2, 12)),
                *rng.uniform(0.2, 1.5, (2, 12)),
            ]
        )
        found = [solve_pair(model, 0.5, start, Quadrature(), 1e-10) for start in starts]
        values = [np.exp(solution.unknowns[0]) for solution in found if solution is not None]
        assert len(values) >= 4
        # Solutions with the coarse rule are off by its quadrature error.
        np.testing.assert_allclose(values, float(point["q"]), rtol=1e-6)


def test_what_is_not_known_is_not_claimed():
    """An unreachable tolerance: no values, and no verdict; too coarse a rule: INACCURATE."""
    lost = solve(0.5, 1.2, 1e-2, (0.0, 0.5), tolerance=1e-30)
    assert (lost["status"] == Status.NOT_CONVERGED.code).all()
    assert lost["V"].isnull().all()
    assert lost["monotone"].item() == -1 and lost["V_largest"].isnull().all()
    coarse = solve(0.5, 1.2, 1e-2, (0.5,), quadrature_tolerance=1e-30)
    assert (coarse["status"] == Status.INACCURATE.code).all()
    assert coarse["monotone"].item() == -1


def test_every_variable_is_described():
    dataset = solve(0.5, 1.2, 1e-1, (0.5,))
    for name, variable in dataset.variables.items():
        assert variable.attrs.get("units") == "1" and variable.attrs.get("long_name"), name
