rule data:
    input:
        code=lambda w: code("data", dataset_file(w)),
        files=lambda w: dataset_inputs(w.dataset),
    output:
        images="results/{study}/{dataset}/images.h5",
    log:
        "results/{study}/{dataset}/logs/data.log",
    threads: 2
    resources:
        mem_mb=lambda w: memory.data(study.dataset(w.dataset)),
        disk_mb=lambda w: memory.disk(study.dataset(w.dataset).bytes),
        runtime=30,
    params:
        dataset=lambda w: dataset_file(w),
        options=lambda w: options(w.dataset),
        code=lambda w: code_digest("data", dataset_file(w)),
        stamps=lambda w: dataset_stamps(w.dataset),
    shell:
        "disentbench data {params.dataset} --options {params.options:q} --out {output.images} 2> {log}"
