rule score:
    input:
        latents=f"{RUNS}latents.h5",
        metric=lambda w: source("metrics", w.metric),
    output:
        scores=f"{RUNS}scores/{{metric}}.csv",
    log:
        f"{RUNS}logs/score-{{metric}}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    shell:
        "disentbench score {input.latents} --metrics {wildcards.metric} --out {output.scores}"
        " 2> {log}"


rule collect:
    input:
        scores=[packs(f"scores/{metric}.csv") for metric in study.metrics],
    output:
        scores="results/{study}/scores.csv",
    log:
        "results/{study}/logs/collect.log",
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=study.text,
    shell:
        "disentbench collect {params.study:q} --out {output.scores} 2> {log}"
