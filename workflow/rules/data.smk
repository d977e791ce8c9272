rule data:
    input:
        source=lambda w: source("datasets", study.file_of("datasets", w.dataset)),
    output:
        images="results/{study}/{dataset}/images.h5",
    log:
        "results/{study}/{dataset}/logs/data.log",
    threads: 2
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        dataset=lambda w: study.file_of("datasets", w.dataset),
        options=lambda w: options(w.dataset),
    shell:
        "disentbench data {params.dataset} --options {params.options:q} --out {output.images} 2> {log}"
