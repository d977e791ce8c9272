rule report:
    input:
        scores="results/{study}/scores.parquet",
        models=packs("model.pt"),
        histories=packs("history.csv"),
        latents=packs("latents.h5"),
        details=scores(".json"),
        levels=levels(),
        audits=expand("results/{{study}}/{dataset}/audit.csv", dataset=study.datasets),
        images=expand("results/{{study}}/{dataset}/images.h5", dataset=study.datasets),
        code=code("reporting"),
    output:
        page=report(
            "results/{study}/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"what": "the whole report, one page", "study": "{study}"},
        ),
        sums="results/{study}/report/index.sha256",
    log:
        "results/{study}/logs/report.log",
    resources:
        mem_mb=memory.measuring(
            *map(study.dataset, study.datasets), evaluate=study.evaluate
        ),
        runtime=30,
    params:
        study=lambda w: study.text,  # a string would have its braces filled in
        code=code_digest("reporting"),
    shell:
        "disentbench report {params.study:q} --scores {input.scores} --out {output.page} 2> {log}"
