rule train:
    input:
        images="results/{study}/{dataset}/images.h5",
        code=lambda w: code("training", *parts(w)),
    output:
        model=f"{RUNS}model.pt",
        history=f"{RUNS}history.csv",
        sums=f"{RUNS}history.sha256",
    log:
        f"{RUNS}logs/train.log",
    benchmark:
        f"{RUNS}benchmarks/train.tsv"
    threads: side_by_side
    resources:
        gpu=gpu,
        mem_mb=lambda w, threads: memory.training(recipe_of(w), threads),
        runtime=720,
    params:
        recipe=recipe,
        checkpoints=f"{RUNS}checkpoints",
        code=lambda w: code_digest("training", *parts(w)),
    shell:
        "disentbench train {params.recipe:q} --images {input.images} --model {output.model}"
        " --history {output.history} --checkpoints {params.checkpoints} --threads {threads}"
        " 2> {log}"


rule encode:
    input:
        images="results/{study}/{dataset}/images.h5",
        model=f"{RUNS}model.pt",
        code=lambda w: code("encoding", *parts(w).encoding),
    output:
        latents=f"{RUNS}latents.h5",
    log:
        f"{RUNS}logs/encode.log",
    benchmark:
        f"{RUNS}benchmarks/encode.tsv"
    threads: 1
    resources:
        gpu=gpu,
        mem_mb=lambda w: memory.encoding(recipe_of(w), study.evaluate),
        disk_mb=lambda w: memory.disk(
            len(pack(w).seeds) * memory.encoded(recipe_of(w), study.evaluate)
        ),
        runtime=60,
    params:
        recipe=recipe,
        evaluate=lambda w: evaluated(study.evaluate),
        code=lambda w: code_digest("encoding", *parts(w).encoding),
    shell:
        "disentbench encode {params.recipe:q} --images {input.images} --model {input.model}"
        " --latents {output.latents} {params.evaluate:q} --threads {threads} 2> {log}"
