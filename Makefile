# `make report` and `make test` do all the set-up there is.
PYTHON ?= python3
STUDY ?= configs/demo.yaml
CORES ?= all
export STUDY CORES
BIN := .venv/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: report slurm test test-slow test-slurm test-faults test-browser test-gpu test-kernels wheel test-wheel bench bench-gpu lint lint-workflow audit format clean reference docs

# The study is read as data first: Snakemake would run what a file from strangers may hold.
report: .venv/run
	@$(BIN)/disentbench status "$$STUDY" > /dev/null
	@$(RUN) snakemake --cores "$$CORES" --configfile "$$STUDY" --workflow-profile workflow/profiles/default
	@echo "The report: $(CURDIR)/results/$$($(BIN)/python -c 'import sys; from disentbench.storage.study_file import read_study; print(read_study(sys.argv[1]).study)' "$$STUDY")/report/index.html"

# The study whose scores are in git, made anew beside them in results/reproduced, and what differs.
reference: STUDY := configs/reference.yaml
reference: .venv/run
	@$(BIN)/disentbench status "$$STUDY" > /dev/null
	@$(RUN) snakemake --cores "$$CORES" --configfile "$$STUDY" --config study=reproduced --workflow-profile workflow/profiles/default
	@$(BIN)/disentbench diff results/reference results/reproduced --exit-code

# What `snakemake --workflow-profile workflow/profiles/slurm` needs; docs/cluster.md tells more.
slurm: .venv/slurm

test: .venv/dev
	$(RUN) OMP_NUM_THREADS=1 pytest -n auto --dist loadfile

test-slow: .venv/dev
	$(RUN) pytest -m slow

# As root, where SLURM's daemons are installed: a cluster of this machine alone, and its faults.
test-slurm: .venv/dev .venv/slurm
	$(RUN) pytest -m slurm -s -x

# A study that is killed, runs out of disk and is damaged; the disks are mounted where root may.
test-faults: .venv/dev
	$(RUN) OMP_NUM_THREADS=1 pytest -m faults -s tests/faults

# Reports in the Chromium that is installed here (Debian's `chromium`, say); none is downloaded.
test-browser: .venv/dev .venv/browser
	$(RUN) OMP_NUM_THREADS=1 pytest -m browser -rs tests/browser

# What a GPU computes beside the CPU. Nothing is installed: PYTHON names a Python that has torch for
# the GPU and numpy, scipy, h5py, pandas, pydantic, filelock, jaxtyping, pyyaml and pytest.
test-gpu:
	PYTHONPATH=".:$$PYTHONPATH" $(PYTHON) -m pytest -m gpu -rs tests/gpu

# Those tests, then what a pack's training costs on a GPU; it needs the same packages, and writes
# benchmarks/RESULTS.md. A test that fails is told at the end, after the numbers.
bench-gpu:
	@$(MAKE) test-gpu; tests=$$?; \
	PYTHONPATH=".:$$PYTHONPATH" $(PYTHON) benchmarks/gpu.py && exit $$tests

# The GPU's kernels computed by Triton's interpreter on this machine's processor; installs Triton.
test-kernels: .venv/dev
	$(BIN)/python -m pip install --quiet triton==3.7.1
	$(RUN) OMP_NUM_THREADS=1 pytest -m 'slow or not slow' tests/models/test_packed_kernels.py

# What `pip install` needs where there is no checkout, and the sources, in dist/.
wheel: .venv/dev
	rm -rf dist
	$(BIN)/python -m hatchling build

# The wheel in an empty environment: scores, a new folder, a study to its page. Installs PyTorch.
test-wheel: .venv/dev
	$(RUN) pytest -m wheel tests/test_wheel.py

# What a training costs on this machine's processor, beside the peers in an environment of their own.
bench: .venv/run .venv-peers/made
	$(BIN)/python benchmarks/cpu.py --peers .venv-peers/bin/python

# The documentation as a site in docs/_build/html, for which no network is needed, neither here nor
# where it is read. Every page is made anew, as what fills it is in the code; a warning is an error.
docs: .venv/docs
	$(RUN) OMP_NUM_THREADS=1 sphinx-build -E -a -W --keep-going -n -q docs docs/_build/html
	@echo "The documentation: $(CURDIR)/docs/_build/html/index.html"

lint: .venv/dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) pyrefly check --summary=none

# Snakemake's own findings.
lint-workflow: .venv/dev
	$(RUN) snakemake --lint --configfile configs/smoke.yaml

# Whether a pinned version has a known vulnerability; asks the package index.
audit: .venv/run
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

format: .venv/dev
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile workflow
	$(RUN) disentbench schema --out configs/study.schema.json

clean:
	rm -rf .venv .venv-peers .snakemake dist docs/_build

# Set-up: a virtual environment with pinned packages, made again when the pins change.
.venv/run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/dev: .venv/run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv-peers/made: benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers.txt
	touch $@

.venv/browser: .venv/run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[browser]'
	touch $@

.venv/docs: .venv/run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/slurm: .venv/run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[slurm]'
	touch $@
