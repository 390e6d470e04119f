"""Caching by key: what a change recomputes, and that changing back recomputes nothing."""

from __future__ import annotations

import pytest

STAGE_FIGURES = {
    "replica": {
        f"fig{name}"
        for name in (2, 3, *range(5, 10), *(f"S{n}" for n in (*range(3, 10), 12, 14, 17)))
    },
    "dmft": {f"fig{name}" for name in (4, "S1", "S2", "S13", "S14", "S15", "S16", "S17")},
}
#: Results of other stages that need a stage: the measure at the energy of the attractor.
OTHERS = {"replica": {}, "dmft": {"replica_one": 1}}


@pytest.mark.parametrize(
    "target",
    [
        "couplings",
        "trajectories",
        "langevin",
        "dmft",
        "replica",
        "figures",
        "ledger",
        "claims",
        "page",
        "report",
        "fig3",
    ],
)
def test_every_target_can_be_asked_for(fresh, target):
    assert fresh.jobs(target)


def test_changed_gamma_runs_what_depends_on_it_and_changing_back_runs_nothing(copied):
    changed = ("--config", "figures={fig4: {gamma: [0.0, 0.3]}}")
    # The curve, and the ledger's second route to it.
    assert copied.jobs(*changed) == {"dmft_one": 2, "fig4": 1, "ledger": 1}
    before = (copied.path / "results" / "figures" / "fig4.csv").read_text(encoding="utf-8")
    copied.snakemake("--cores", "2", *changed)
    link = copied.path / "results" / "figures" / "fig4.csv"
    assert link.read_text(encoding="utf-8") != before
    assert copied.jobs() == {}
    assert "Nothing to be done" in copied.snakemake("--cores", "2")
    # The name points at the figure of this config again.
    assert link.read_text(encoding="utf-8") == before


def test_one_more_g_recomputes_that_curve_only(copied):
    more = ("--config", "figures={fig8: {g: [0.98, 1.0, 1.02]}}")
    # The curve, and the ledger's second route to it.
    assert copied.jobs(*more) == {"replica_one": 2, "fig8": 1, "ledger": 1}


def test_one_more_network_samples_that_network_only(copied):
    more = ("--config", "sampling={below: {networks: 3}}")
    jobs = copied.jobs(*more)
    assert jobs.pop("couplings_one") == 1
    assert jobs.pop("langevin_one") == 1
    assert set(jobs) == {"fig2", "figS3", "ledger"}


def test_new_words_in_the_code_run_nothing(copied):
    copied.edit("workflow/scripts/replica.py", "Replica theory", "The replica theory")
    copied.edit("workflow/quasipotential/replica/__init__.py", '"""Replica', '"""The replica')
    with open(copied.path / "workflow" / "scripts" / "langevin.py", "a", encoding="utf-8") as file:
        file.write("# a comment\n")
    assert copied.jobs() == {}


@pytest.mark.parametrize("stage", ["replica", "dmft"])
def test_new_logic_runs_its_stage_and_the_figures_of_it(copied, stage):
    with open(
        copied.path / "workflow" / "quasipotential" / stage / "__init__.py", "a", encoding="utf-8"
    ) as file:
        file.write("\nNEW = 1\n")
    jobs = copied.jobs()
    jobs.pop("ledger")
    assert jobs.pop("claims") == 1
    count = jobs.pop(f"{stage}_one")
    assert count == len(list((copied.path / "results" / stage).glob("*.nc")))
    assert {rule: jobs.pop(rule) for rule in OTHERS[stage]} == OTHERS[stage]
    assert set(jobs) == STAGE_FIGURES[stage]


def test_new_caption_draws_its_figure_only(copied):
    copied.edit("workflow/report/fig8.rst", "against beta", "over beta")
    assert copied.jobs() == {"fig8": 1, "ledger": 1}


def test_bad_config_stops_before_any_job_with_one_clear_message(fresh):
    output = fresh.snakemake(
        "--cores", "1", "--config", "figures={fig3: {gamma: [0.0, 1.4]}}", check=False
    )
    assert "figures.fig3.gamma.1: got '1.4'; allowed: less than or equal to 1" in output
    assert "Traceback" not in output
    assert not (fresh.path / "results").exists()
    with pytest.raises(AssertionError, match="failed"):
        fresh.snakemake("--dry-run", "--config", "transfer=step")
