"""What a study asks of the Snakemake that runs it."""
