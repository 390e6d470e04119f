r"""Extrapolation of sampled observables to N -> infinity, and the judgement over branches.

An observable y has, on each of n networks of a size N, a value with a Monte Carlo error.  Its means
over networks are fitted by

    y(N) = a + b N^(-p)                                    (the fit)
    y(N) = a + b N^(-p) + c N^(-2 p)                       (beside it, from four sizes on)

with p = 1 for q, E/N, the response and, at Q = 0, sqrt(N) times the mean absolute overlap of two
states, and p = 1/2 for that overlap where Q > 0 (module `figures.judgement`).  The weights come
from a power law in N through the spreads over networks: those of few networks vary so much that
weights taken from them one by one would favour sizes whose error is underestimated.

Errors of a, joined as the root of the sum of squares:

- statistical: half of the percentile interval (68.27 %) of a bootstrap over networks, drawn with
  replacement within each size.  Deviations from the mean are stretched by sqrt(n/(n-1)), without
  which the interval of few networks is too narrow; where the spread over networks is less than
  their Monte Carlo errors account for, the rest is added as normal noise (module `disorder`).
  Student's t with the degrees of freedom of Welch and Satterthwaite turns distances into p-values;
- systematic: how far a moves in another fit: the one with N^(-2 p) from four sizes on, the fit
  without the smallest size for three, and no fit at all, but the largest size, for two.  This has
  noise of its own, so that p-values are conservative where the fit holds: p < 0.05 happens with a
  probability of about 0.02 (measured, three and four sizes, normal spreads), 0.03 where a quarter
  of eight networks is of another kind (of which the statistical error alone knows too little: its
  p < 0.01 happens with 0.08).  Where a curvature c/N^2 displaces a
  by 1.6 to 4 statistical errors, p < 0.05 happens with a probability of about 0.1 for four sizes;
  for N, 2 N and 4 N the change holds 60 % of the displacement only, and 0.1 to 0.35 was measured.

A branch of the theory predicts several observables, which are not independent.  Its combined
p-value is the smallest of theirs times their number (Bonferroni), at most 1.

Everything is dimensionless.

References
----------
B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 14.
B. L. Welch, Biometrika 34, 28 (1947).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtr

from .disorder import disorder_average

Array = np.ndarray

ONE_SIGMA = (float(ndtr(-1)), float(ndtr(1)))  # quantiles of the percentile interval
REPLICATES = 4000


@dataclass(frozen=True)
class Networks:
    """One observable on all networks of one size.

    Attributes
    ----------
    N : int
    values, errors : ndarray, shape (network,)
        Mean over the draws on each network, and its Monte Carlo standard error.
    """

    N: int
    values: Array
    errors: Array


@dataclass(frozen=True)
class Fit:
    """Weighted least squares of means over networks by powers of N^(-p).

    Attributes
    ----------
    sizes : ndarray, shape (size,)
        N of the means that were fitted.
    coefficients : ndarray, shape (order + 1,)
        a, b and, at order 2, c; at order 0 a alone.
    weights : ndarray, shape (order + 1, size)
        The linear map from means to coefficients.
    chi2 : float
        Sum of the squared residuals in units of the errors of the means.
    dof : int
        Sizes less coefficients.
    """

    sizes: Array
    coefficients: Array
    weights: Array
    chi2: float
    dof: int


@dataclass(frozen=True)
class Extrapolation:
    """One observable extrapolated to N -> infinity.

    Attributes
    ----------
    power : float
        p of N^(-p).
    sizes, means, errors : ndarray, shape (size,)
        N, means over networks and their standard errors.
    networks : ndarray of int, shape (size,)
    fit : Fit
        a + b N^(-p) over all sizes.
    alternative : Fit
        The fit that the systematic error is taken from.
    low, high : float
        Percentile interval (68.27 %) of a from the bootstrap.
    statistical, systematic : float
        Errors of a: from the bootstrap, and from the change between the fits.
    degrees : float
        Effective degrees of freedom of the statistical error.
    covariance : ndarray, shape (2, 2)
        Of a and b over the bootstrap.
    """

    power: float
    sizes: Array
    means: Array
    errors: Array
    networks: Array
    fit: Fit
    alternative: Fit
    low: float
    high: float
    statistical: float
    systematic: float
    degrees: float
    covariance: Array

    @property
    def limit(self) -> float:
        """The value a at N -> infinity."""
        return float(self.fit.coefficients[0])

    @property
    def slope(self) -> float:
        """The coefficient b of N^(-p)."""
        return float(self.fit.coefficients[1])

    @property
    def error(self) -> float:
        """Statistical and systematic error of the limit together."""
        return float(np.hypot(self.statistical, self.systematic))


@dataclass(frozen=True)
class Line:
    """The fit along x = N^(-p), with its standard error over the bootstrap, shapes as x."""

    y: Array
    error: Array


@dataclass(frozen=True)
class Comparison:
    """A predicted value beside an extrapolated one.

    Attributes
    ----------
    value : float
    z : float
        Predicted less extrapolated value, in units of the whole error.
    p_value : float
        Two-sided, with the whole error: conservative.
    p_statistical : float
        Two-sided, with the statistical error: right if a + b N^(-p) holds exactly.
    """

    value: float
    z: float
    p_value: float
    p_statistical: float


@dataclass(frozen=True)
class Judgement:
    """A branch of the theory beside all extrapolated observables.

    Attributes
    ----------
    comparisons : dict
        By observable.
    p_value : float
        The smallest of the p-values times their number, at most 1.
    """

    comparisons: Mapping[str, Comparison]
    p_value: float


def bootstrap(networks: Networks, replicates: int, rng: np.random.Generator) -> Array:
    """Means over networks drawn with replacement, shape (replicate,).

    Their standard deviation is the error of `disorder_average`.
    """
    n = networks.values.size
    average = disorder_average(networks.values, networks.errors)
    drawn = networks.values[rng.integers(n, size=(replicates, n))].mean(axis=1)
    spread = networks.values.var(ddof=1) / n
    rest = np.sqrt(max(0.0, float(average.error) ** 2 - spread))
    stretched = np.sqrt(n / (n - 1)) * (drawn - average.mean)
    return average.mean + stretched + rest * rng.standard_normal(replicates)


def extrapolate(
    sample: Sequence[Networks],
    power: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> Extrapolation:
    """Extrapolate an observable to N -> infinity.

    Parameters
    ----------
    sample : sequence of Networks
        Of two or more sizes N, each with two or more networks, independent of each other.
    power : float
        p of N^(-p).
    rng : Generator
        For the bootstrap.
    replicates : int

    Raises
    ------
    ValueError
        If there are fewer than two sizes or two networks of a size, if a size occurs twice, if a
        value is not finite, or if all errors of a size vanish.
    """
    sample = sorted(sample, key=lambda networks: networks.N)
    sizes = np.array([networks.N for networks in sample])
    numbers = np.array([networks.values.size for networks in sample])
    if sizes.size < 2 or np.unique(sizes).size < sizes.size or numbers.min() < 2:
        raise ValueError(
            "an extrapolation needs two different sizes N and two networks of each, got "
            f"{dict(zip(sizes.tolist(), numbers.tolist(), strict=True))} networks by N"
        )
    averages = [disorder_average(networks.values, networks.errors) for networks in sample]
    means = np.array([average.mean for average in averages])
    errors = np.array([average.error for average in averages])
    if not (np.isfinite(means).all() and np.isfinite(errors).all() and errors.min() > 0):
        raise ValueError(
            f"an extrapolation needs finite means with positive errors, got {means} +- {errors} "
            f"at N = {sizes}: leave out what is not equilibrated"
        )
    scales = _smooth(sizes, errors * np.sqrt(numbers), numbers) / np.sqrt(numbers)
    fit = _fit(sizes, means, errors, scales, power, order=1)
    if sizes.size > 3:
        alternative = _fit(sizes, means, errors, scales, power, order=2)
    else:
        larger = (values[1:] for values in (sizes, means, errors, scales))
        alternative = _fit(*larger, power, order=sizes.size - 2)

    drawn = np.stack([bootstrap(networks, replicates, rng) for networks in sample])
    coefficients = fit.weights @ drawn
    low, high = np.quantile(coefficients[0], ONE_SIGMA)
    variances = np.square(fit.weights[0] * errors)
    return Extrapolation(
        power=power,
        sizes=sizes,
        means=means,
        errors=errors,
        networks=numbers,
        fit=fit,
        alternative=alternative,
        low=float(low),
        high=float(high),
        statistical=float(high - low) / 2,
        systematic=float(abs(alternative.coefficients[0] - fit.coefficients[0])),
        degrees=float(variances.sum() ** 2 / np.sum(variances**2 / (numbers - 1))),
        covariance=np.cov(coefficients),
    )


def _smooth(sizes: Array, spreads: Array, numbers: Array) -> Array:
    """Power law in N through the spreads over networks, which few networks give with much noise."""
    x = np.log(sizes) - np.average(np.log(sizes), weights=numbers - 1)
    y = np.log(spreads)
    exponent = np.average(x * y, weights=numbers - 1) / np.average(x**2, weights=numbers - 1)
    return np.exp(np.average(y, weights=numbers - 1) + exponent * x)


def _fit(sizes: Array, means: Array, errors: Array, scales: Array, power: float, order: int) -> Fit:
    """Least squares by powers 0 to ``order`` of N^(-p), weighted with 1/scales^2."""
    # N^(-p) in units of its largest value, so that the columns are of one scale.
    x = (sizes / sizes.min()) ** -power
    units = float(sizes.min()) ** (power * np.arange(order + 1))
    design = x[:, None] ** np.arange(order + 1)
    weights = units[:, None] * np.linalg.pinv(design / scales[:, None]) / scales
    coefficients = weights @ means
    residuals = (means - design @ (coefficients / units)) / errors
    return Fit(
        sizes=sizes,
        coefficients=coefficients,
        weights=weights,
        chi2=float(residuals @ residuals),
        dof=sizes.size - order - 1,
    )


def line(extrapolation: Extrapolation, x: Array) -> Line:
    """The fit a + b x at x = N^(-p) with its error, for drawing."""
    powers = np.stack([np.ones_like(x), x])
    variance = np.einsum("ix,ij,jx->x", powers, extrapolation.covariance, powers)
    return Line(y=extrapolation.fit.coefficients @ powers, error=np.sqrt(variance))


def compare(extrapolation: Extrapolation, value: float) -> Comparison:
    """How well a predicted value agrees with the limit."""

    def two_sided(error: float) -> float:
        return float(2 * stdtr(extrapolation.degrees, -abs(distance) / error))

    distance = value - extrapolation.limit
    return Comparison(
        value=value,
        z=distance / extrapolation.error,
        p_value=two_sided(extrapolation.error),
        p_statistical=two_sided(extrapolation.statistical),
    )


def judge(extrapolations: Mapping[str, Extrapolation], branch: Mapping[str, float]) -> Judgement:
    """A branch, given by its values of the observables, beside all of them.

    Raises
    ------
    KeyError
        If the branch lacks one of the observables.
    """
    comparisons = {
        name: compare(extrapolation, branch[name]) for name, extrapolation in extrapolations.items()
    }
    smallest = min(comparison.p_value for comparison in comparisons.values())
    return Judgement(comparisons=comparisons, p_value=min(1.0, len(comparisons) * smallest))
