"""Transfer functions: built-in ones, a user's own, what is refused, ReLU's exact results."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import integrate

from quasipotential import config, couplings, dmft, langevin, plan, replica, trajectories
from quasipotential.specs import (
    AnsatzSpec,
    CouplingsSpec,
    Interval,
    LangevinSpec,
    ReplicaSpec,
    StaticDmftSpec,
    StationaryDmftSpec,
    TrajectoriesSpec,
    TwoTimeDmftSpec,
    parse,
)
from quasipotential.transfer import TRANSFER_FUNCTIONS, TransferFunction, check, transfer_function

ROOT = Path(__file__).parents[2]
OWN = """
import numpy as np

def tanh(x):
    return np.tanh(x)

def tanh_prime(x):
    return 1.0 / np.cosh(x) ** 2

def root(x):  # its quadratures converge more slowly: branch points at +-i
    return x / np.sqrt(1.0 + x**2)

def root_prime(x):
    return (1.0 + x**2) ** -1.5

def softsign(x):  # phi'' jumps at the origin
    return x / (1.0 + np.abs(x))

def softsign_prime(x):
    return 1.0 / (1.0 + np.abs(x)) ** 2

def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))

def logistic_prime(x):
    return logistic(x) * logistic(-x)

def steep(x):
    return np.tanh(2.0 * x)

def steep_prime(x):
    return 2.0 / np.cosh(2.0 * x) ** 2
"""
WRONG = {
    "no derivative": (
        "def phi(x): return x",
        "defines no phi_prime; a transfer function phi needs",
    ),
    "nothing": ("", "defines no phi and no phi_prime"),
    "slope": (
        "import numpy as np\nphi = np.tanh\ndef phi_prime(x): return 1 - np.tanh(x)",
        "is not the derivative of phi: at x = -31.07 it is 2, differences of phi give 0",
    ),
    "factor": (
        "import numpy as np\nphi = np.tanh\ndef phi_prime(x): return 1.00001 / np.cosh(x)**2",
        "is not the derivative of phi",
    ),
    "scalar": (
        "import math\ndef phi(x): return math.tanh(x)\ndef phi_prime(x): return 1.0",
        "fails for an array of numbers",
    ),
    "shape": ("def phi(x): return x.sum()\ndef phi_prime(x): return x", "of the shape of x"),
    "type": (
        "def phi(x): return x.astype('float32')\ndef phi_prime(x): return x",
        "array of float64",
    ),
    "others": (
        "def phi(x): return x - x.mean()\ndef phi_prime(x): return x",
        "must be elementwise",
    ),
    "in place": (
        "def phi(x):\n    x *= 2\n    return x\ndef phi_prime(x): return x",
        "changes the array",
    ),
    "pole": (
        "def phi(x): return x / (x > 0)\ndef phi_prime(x): return x",
        "is not finite at x = -31.07",
    ),
    "syntax": ("def phi(x: return x", "is not Python"),
    "fails": ("raise RuntimeError('no')\ndef phi(x): pass\ndef phi_prime(x): pass", "fails when"),
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of a run with a file of transfer functions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", TRANSFER_FUNCTIONS)
def test_built_in_functions_pass_the_check(name):
    check(TRANSFER_FUNCTIONS[name])


@pytest.mark.parametrize("name", ["tanh", "erf", "linear"])
def test_cubic_coefficient_is_that_of_the_function(name):
    function, x = TRANSFER_FUNCTIONS[name], 1e-2
    # The next term of phi is of order x^5: 1e-4 of the cubic one.
    assert 3 * (x - function.phi(np.array(x))) / x**3 == pytest.approx(function.cubic, abs=2e-4)


def test_properties(own):
    found = {
        name: (function.is_odd, function.is_sigmoidal)
        for name in [*TRANSFER_FUNCTIONS, "own.py:root", "own.py:softsign", "own.py:logistic",
                     "own.py:steep"]
        if (function := transfer_function(name))
    }  # fmt: skip
    assert found == {
        "tanh": (True, True),
        "erf": (True, True),
        "linear": (True, False),
        "relu": (False, False),
        "own.py:root": (True, True),
        "own.py:softsign": (True, True),
        "own.py:logistic": (False, False),
        "own.py:steep": (True, False),
    }
    # Differences of phi' at 1e-3 leave rounding of 1e-16/1e-6.
    assert transfer_function("own.py:root").cubic == pytest.approx(1.5, abs=1e-8)
    assert np.isnan(transfer_function("own.py:softsign").cubic)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_function_is_refused_with_the_reason(name, own):
    text, words = WRONG[name]
    (own / "wrong.py").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        transfer_function("wrong.py:phi")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gelu", "unknown transfer function 'gelu'; allowed: tanh, erf, linear, relu, my_file.py"),
        ("none.py:phi", "cannot read none.py, looked for in"),
        ("no.such.module:phi", "no module no.such.module can be found"),
        ("json:loads", "json defines no loads_prime"),
        ("own.py:__import__('os')", "unknown transfer function"),
        ("own.py:tanh@000000000000", "own.py has changed"),
    ],
)
def test_wrong_name_is_refused_with_the_reason(name, words, own):
    with pytest.raises(ValueError, match=words):
        transfer_function(name)


def test_a_source_without_the_functions_does_not_run(own):
    (own / "side.py").write_text("open('ran', 'w').close()\ndef phi(x): return x")
    with pytest.raises(ValueError, match="defines no phi_prime"):
        transfer_function("side.py:phi")
    assert not (own / "ran").exists()


def test_module_on_the_path(own, monkeypatch):
    (own / "lab").mkdir()
    (own / "lab" / "__init__.py").write_text("")
    (own / "lab" / "rates.py").write_text("from .other import phi, phi_prime\n")
    (own / "lab" / "other.py").write_text(OWN.replace("root", "phi"))
    monkeypatch.syspath_prepend(own)
    assert transfer_function("lab.rates:phi").is_sigmoidal


def test_key_follows_the_source(own):
    def spec() -> ReplicaSpec:
        return ReplicaSpec(gamma=0.0, g=(1.2,), temperatures=(0.01,), transfer="own.py:root")

    first = spec()
    assert parse(first.canonical()) == first
    (own / "own.py").write_text(OWN + "# changed\n", encoding="utf-8")
    second = spec()
    assert second.key != first.key
    (own / "own.py").write_text(OWN, encoding="utf-8")
    assert spec() == first
    assert ReplicaSpec(gamma=0.0, g=(1.2,), temperatures=(0.01,)).transfer == "tanh"


def test_own_tanh_is_tanh_in_every_solver(own):
    """The same values to rounding: only the names differ, and with them no random numbers."""
    J = couplings.run(CouplingsSpec(N=20, gamma=0.5, seed=1))["couplings"].values
    network = CouplingsSpec(N=20, gamma=0.5, seed=1)
    runs = {
        "replica": (ReplicaSpec, {"gamma": -0.5, "g": (1.2, 2.0), "temperatures": (0.0, 0.1)}),
        "static": (StaticDmftSpec, {"gamma": 0.5, "g": (0.5, 1.0)}),
        "stationary": (StationaryDmftSpec, {"g": (1.5,), "duration": 5.0, "interval": 0.5}),
        "trajectories": (
            TrajectoriesSpec,
            {"couplings": network, "g": 1.0, "start": ((1.0,) * 20,), "duration": 5.0,
             "interval": 1.0, "method": "dop853", "neurons": 20, "seed": 1},
        ),
    }  # fmt: skip
    compute = {
        "replica": replica.run,
        "static": dmft.run,
        "stationary": dmft.run,
        "trajectories": lambda spec: trajectories.run(spec, J),
    }
    compared = {"replica": ["q", "Q", "qhat", "G", "status"], "static": ["C", "R_int", "status"]}
    compared |= {"stationary": ["Delta", "lambda_1", "status"], "trajectories": ["x", "energy"]}
    for name, (kind, arguments) in runs.items():
        ours = compute[name](kind(**arguments))
        theirs = compute[name](kind(**arguments, transfer="own.py:tanh"))
        for quantity in compared[name]:
            # kappa of an own function is good to 1e-9; all else differs by rounding.
            np.testing.assert_allclose(theirs[quantity], ours[quantity], rtol=1e-7, atol=1e-10)


def test_own_function_against_its_closed_form(own):
    """At gamma = 0, q = E phi^2(sqrt(T + g^2 q) z), by another quadrature."""
    T, g = 0.01, 1.2
    spec = ReplicaSpec(gamma=0.0, g=(g,), temperatures=(T,), transfer="own.py:root")
    solved = replica.run(spec)
    q = solved["q"].item()

    def integrand(z: float) -> float:
        x2 = (T + g**2 * q) * z**2
        return x2 / (1.0 + x2) * np.exp(-(z**2) / 2.0) / np.sqrt(2.0 * np.pi)

    expected = 2.0 * integrate.quad(integrand, 0.0, 12.0, epsrel=1e-12)[0]
    assert solved["status"].item() == 0
    assert q == pytest.approx(expected, rel=1e-7)  # quadrature_tolerance is 1e-8


def refused(build) -> str:
    with pytest.raises(ValueError) as error:
        build()
    return str(error.value)


@pytest.mark.parametrize("name", ["relu", "own.py:logistic", "own.py:steep"])
def test_theories_refuse_what_they_cannot_do(name, own):
    words = "this theory needs an odd phi"
    common = {"transfer": name}
    if name == "own.py:steep":
        assert words in refused(lambda: ReplicaSpec(gamma=0, g=(1,), temperatures=(1,), **common))
    assert words in refused(lambda: StaticDmftSpec(gamma=0, g=(1,), **common))
    assert words in refused(lambda: StationaryDmftSpec(g=(1,), duration=1, interval=1, **common))


def test_ansatz_needs_a_function_with_known_curvature(own):
    build = {"gamma": 0.0, "g": (1.2,), "q": (0.1,)}
    assert "'tanh', 'erf' or 'linear'" in refused(
        lambda: AnsatzSpec(**build, transfer="own.py:root")
    )


def test_config_is_refused_once_with_all_places(own):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    raw["transfer"] = "relu"
    with pytest.raises(config.ConfigError) as error:
        plan.build(config.load(raw))
    message = str(error.value)
    assert message.count("this theory needs an odd phi") == 1
    assert "figures.fig4, figures.fig9" in message
    # Trajectories, sampling and the replica theory at T > 0 take any phi.
    assert not any(f"figures.fig{n}," in message for n in (1, 2, 3, 5, 7, 8))
    assert message.count("needs temperatures > 0") == 1
    raw["transfer"] = "own.py:missing"
    with pytest.raises(config.ConfigError, match=r"transfer: got 'own.py:missing'; own.py defines"):
        config.load(copy.deepcopy(raw))


def test_own_function_is_one_line_of_the_config(own):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    raw["transfer"] = "own.py:root"
    planned = plan.build(config.load(raw))
    assert planned.claims is None  # they are about tanh
    names = {
        spec.transfer
        for specs in planned.stages.values()
        for spec in specs.values()
        if hasattr(spec, "transfer")
    }
    assert len([name for name in names if name.startswith("own.py:root@")]) == 1


def test_relu_is_one_line_of_the_config_with_what_it_has_no_theory_for_left_out():
    """Left are networks, sampling and the finite-temperature replica theory of the paper."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    raw["transfer"] = "relu"
    with pytest.raises(config.ConfigError) as refusal:
        plan.build(config.load(copy.deepcopy(raw)))
    named = set(re.findall(r"figures\.(fig\w+)", str(refusal.value)))
    assert not named & {"fig1", "fig2", "fig3", "fig5", "fig7", "fig8", "figS1", "figS3"}
    raw["figures"] |= dict.fromkeys(named)
    planned = plan.build(config.load(raw))
    assert {"fig2", "fig3", "fig5", "fig7", "fig8"} <= set(planned.figures)
    assert any(spec.kind == "solutions" for spec in planned.stages["replica"].values())


# ReLU: exact results of docs/howto-transfer.md on sampled networks.


def sampled(g: float, eta: float, transfer: str, N: int = 60, T: float = 0.1):
    network = CouplingsSpec(N=N, gamma=0.0, seed=2)
    spec = LangevinSpec(
        couplings=network, g=g, transfer=transfer, eta=eta, temperatures=(T,), algorithm="hmc",
        step=0.2, path_length=3.0, hottest=T, chains=8, warmup=200, draws=400, seed=1,
    )  # fmt: skip
    return langevin.run(spec, couplings.run(network)["couplings"].values).isel(temperature=0)


@pytest.mark.parametrize(("g", "eta"), [(0.8, 0.0), (2.0, 0.2)])
def test_relu_energy_is_half_the_temperature(g, eta):
    """<E> = N T/2 for a phi with phi(a x) = a phi(x), at every g, with and without eta."""
    sample = sampled(g, eta, "relu")
    energy, error = sample["energy_mean"].item(), sample["energy_mcse"].item()
    assert abs(energy - 0.05) < 5.0 * error  # standard errors; the error is 0.5 % of the value
    assert error < 1e-3
    if eta:
        assert sample["mean_square_x_mean"].item() <= 0.1 / (2.0 * eta)


def test_relu_mean_square_activity_below_its_divergence():
    """<x^2> = T/(1 - g^2/2) at gamma = 0, the mean over networks of 200 units."""
    found = []
    for seed in range(4):
        network = CouplingsSpec(N=200, gamma=0.0, seed=seed)
        spec = LangevinSpec(
            couplings=network, g=0.7, transfer="relu", temperatures=(1.0,), algorithm="hmc",
            step=0.2, path_length=3.0, hottest=1.0, chains=4, warmup=60, draws=80, seed=1,
        )  # fmt: skip
        sample = langevin.run(spec, couplings.run(network)["couplings"].values)
        found.append(sample["mean_square_x_mean"].item())
    error = np.std(found, ddof=1) / 2.0
    expected = 1.0 / (1.0 - 0.7**2 / 2.0)
    # Standard errors over networks, and corrections of order 1/N.
    assert abs(np.mean(found) - expected) < 5.0 * error + 2.0 * expected / 200
    assert error < 0.03 * expected


def test_relu_two_time_dmft_grows_beyond_root_two_only():
    """At gamma = 0 the norm falls below g = sqrt(2) and grows above: |x|^2 over 3 times 6."""

    def growth(g: float) -> float:
        spec = TwoTimeDmftSpec(
            g=g, gamma=0.0, transfer="relu", noise=0.0, start=Interval(low=-1.0, high=1.0),
            duration=12.0, interval=0.1, trajectories=400, tangents=20, batches=2, seed=1,
        )  # fmt: skip
        C = dmft.run(spec)["C_x_equal"]
        return C.sel(time=12.0, method="nearest").item() / C.sel(time=6.0, method="nearest").item()

    assert growth(1.2) < 0.8
    assert growth(1.7) > 1.25


def test_relu_fixed_points_are_not_paired():
    with pytest.raises(ValueError, match="phi must be odd"):
        LangevinSpec(
            couplings=CouplingsSpec(N=10, gamma=0.0, seed=1), g=1.0, transfer="relu",
            temperatures=(0.1,), algorithm="hmc", step=0.1, path_length=1.0, hottest=0.1,
            chains=4, warmup=10, draws=20, polish_below=1.0, seed=1,
        )  # fmt: skip


def test_unit_of_slope_and_bound(own):
    """tanh(2 x) at gain g is tanh at gain 2 g and temperature 4 T: the same energy landscape."""
    from quasipotential.potential import energy

    rng = np.random.default_rng(1)
    J, y = rng.standard_normal((30, 30)) / 6.0, rng.standard_normal(30)
    steep, tanh = transfer_function("own.py:steep"), transfer_function("tanh")
    assert energy(y / 2.0, J, steep) == pytest.approx(energy(y, 2.0 * J, tanh) / 4.0, rel=1e-12)


def test_a_function_is_found_by_its_name_only():
    assert isinstance(transfer_function("relu"), TransferFunction)
    with pytest.raises(ValueError, match="unknown transfer function"):
        transfer_function("")
