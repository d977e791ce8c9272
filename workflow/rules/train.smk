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
    threads: side_by_side
    resources:
        gpu=gpu,
        mem_mb=lambda w: 2000 + memory(w, images=1),
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
    threads: 1
    resources:
        gpu=gpu,
        mem_mb=lambda w: memory(w, images=1, runs=4),
        disk_mb=lambda w: 100 + len(pack(w).seeds) * encoded(w) // 10**6,
        runtime=60,
    params:
        recipe=recipe,
        code=lambda w: code_digest("encoding", *parts(w).encoding),
    shell:
        "disentbench encode {params.recipe:q} --images {input.images} --model {input.model}"
        " --latents {output.latents} --threads {threads} 2> {log}"
