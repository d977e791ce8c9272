rule score:
    input:
        latents=f"{RUNS}latents.h5",
        companions=companions,
        code=lambda w: code("scoring", w.metric),
    output:
        scores=f"{RUNS}scores/{{metric}}.csv",
        detail=f"{RUNS}scores/{{metric}}.json",
        sums=f"{RUNS}scores/{{metric}}.sha256",
    log:
        f"{RUNS}logs/score-{{metric}}.log",
    benchmark:
        f"{RUNS}benchmarks/score-{{metric}}.tsv"
    threads: 1
    resources:
        mem_mb=lambda w: memory.measuring(
            study.dataset(w.dataset), evaluate=study.evaluate
        ),
        runtime=120,
    params:
        latents=lambda w: of_pack(w, "latents"),
        scores=lambda w: of_pack(w, f"scores/{w.metric}"),
        code=lambda w: code_digest("scoring", w.metric),
        companions=lambda w, input: (
            ["--companions", *input.companions] if input.companions else []
        ),
    shell:
        "disentbench score {input.latents} {params.companions} --metrics {wildcards.metric}"
        " --out {output.scores} --detail {output.detail} --sums"
        " --input-identity {params.latents:q} --identity {params.scores:q} 2> {log}"


rule levels:
    input:
        images="results/{study}/{dataset}/images.h5",
        code=lambda w: code("levels", w.metric),
    output:
        levels="results/{study}/{dataset}/levels/{metric}.csv",
        sums="results/{study}/{dataset}/levels/{metric}.sha256",
    log:
        "results/{study}/{dataset}/logs/levels-{metric}.log",
    threads: 1
    resources:
        mem_mb=lambda w: memory.measuring(
            study.dataset(w.dataset), evaluate=study.evaluate
        ),
        runtime=120,
    params:
        images=lambda w: said(expected.images(study.dataset(w.dataset))),
        levels=lambda w: said(
            expected.of_dataset(study, w.dataset, f"levels/{w.metric}")
        ),
        evaluate=lambda w: evaluated(study.evaluate.part),
        code=lambda w: code_digest("levels", w.metric),
    shell:
        "disentbench levels {input.images} --metrics {wildcards.metric} --out {output.levels}"
        " --sums {params.evaluate:q} --input-identity {params.images:q}"
        " --identity {params.levels:q} 2> {log}"


rule audit:
    input:
        latents=lambda w: of_first_setting(w.dataset, "latents.h5"),
        code=code("audit"),
    output:
        audit="results/{study}/{dataset}/audit.csv",
        sums="results/{study}/{dataset}/audit.sha256",
    log:
        "results/{study}/{dataset}/logs/audit.log",
    threads: 1
    resources:
        mem_mb=lambda w: memory.measuring(
            study.dataset(w.dataset), evaluate=study.evaluate
        ),
        runtime=60,
    params:
        latents=lambda w: said(
            expected.of_pack(
                study.recipe(study.first_pack(w.dataset)), "latents", study.evaluate
            )
        ),
        audit=lambda w: said(expected.audit(study, w.dataset)),
        code=code_digest("audit"),
    shell:
        "disentbench audit {input.latents} --out {output.audit} --sums"
        " --input-identity {params.latents:q} --identity {params.audit:q} 2> {log}"


rule collect:
    input:
        scores=scores(".csv"),
        code=code("collecting"),
    output:
        scores=report(
            "results/{study}/scores.csv",
            caption="../report/scores.rst",
            category="Report",
            labels={"what": "the scores of every run", "study": "{study}"},
        ),
        table="results/{study}/scores.parquet",
        sums="results/{study}/scores.sha256",
    log:
        "results/{study}/logs/collect.log",
    resources:
        mem_mb=memory.COLLECTING,
        runtime=30,
    params:
        study=lambda w: study.text,  # a string would have its braces filled in
        code=code_digest("collecting"),
    shell:
        "disentbench collect {params.study:q} --out {output.scores} 2> {log}"
