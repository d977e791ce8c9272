rule score:
    input:
        latents=f"{RUNS}latents.h5",
        companions=companions,
        metric=lambda w: source("metrics", w.metric),
    output:
        scores=f"{RUNS}scores/{{metric}}.csv",
        detail=f"{RUNS}scores/{{metric}}.json",
        sums=f"{RUNS}scores/{{metric}}.sha256",
    log:
        f"{RUNS}logs/score-{{metric}}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        companions=lambda w, input: (
            ["--companions", *input.companions] if input.companions else []
        ),
    shell:
        "disentbench score {input.latents} {params.companions} --metrics {wildcards.metric}"
        " --out {output.scores} --detail {output.detail} --sums 2> {log}"


rule levels:
    input:
        images="results/{study}/{dataset}/images.h5",
        metric=lambda w: source("metrics", w.metric),
    output:
        levels="results/{study}/{dataset}/levels/{metric}.csv",
        sums="results/{study}/{dataset}/levels/{metric}.sha256",
    log:
        "results/{study}/{dataset}/logs/levels-{metric}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    shell:
        "disentbench levels {input.images} --metrics {wildcards.metric} --out {output.levels}"
        " --sums 2> {log}"


rule audit:
    input:
        latents=lambda w: of_first_setting(w.dataset, "latents.h5"),
    output:
        audit="results/{study}/{dataset}/audit.csv",
        sums="results/{study}/{dataset}/audit.sha256",
    log:
        "results/{study}/{dataset}/logs/audit.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "disentbench audit {input.latents} --out {output.audit} --sums 2> {log}"


rule collect:
    input:
        scores=[packs(f"scores/{metric}.csv") for metric in study.metrics],
    output:
        scores="results/{study}/scores.csv",
        table="results/{study}/scores.parquet",
        sums="results/{study}/scores.sha256",
    log:
        "results/{study}/logs/collect.log",
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=lambda w: study.text,  # a string would have its braces filled in
    shell:
        "disentbench collect {params.study:q} --out {output.scores} 2> {log}"
