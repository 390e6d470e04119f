# The original dynamics: trajectories on one network, Lyapunov exponents on several.


rule trajectories_one:
    """The original dynamics of one network or several, or Lyapunov exponents of several."""
    input:
        lambda wildcards: [
            planning.path(spec) for spec in plan.spec("trajectories", wildcards.key).inputs()
        ],
    output:
        "results/trajectories/{key}.nc",
    log:
        "results/logs/trajectories/{key}.log",
    benchmark:
        "results/benchmarks/trajectories/{key}.tsv"
    group:
        lambda wildcards: plan.spec("trajectories", wildcards.key).group()
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * plan.spec("trajectories", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt
        * plan.spec("trajectories", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("trajectories", wildcards.key).canonical(),
        code=lambda wildcards: digest_with(
            "trajectories", plan.spec("trajectories", wildcards.key).module
        ),
    message:
        "Trajectories {wildcards.key}"
    script:
        "../scripts/trajectories.py"


rule trajectories:
    """All trajectories and Lyapunov exponents."""
    input:
        plan.paths("trajectories"),
