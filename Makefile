# make run     build Weft and open the workbench on a sample; in the terminal where there is no display
# make test    every check there is; ends with "N passed, N failed"
# make bench   compile times and run times of the samples, as tables
# make fuzz    N random NumPy programs through NumPy and Weft (N=1000, SEED=0)
# make setup   install what is missing; the others do this first

SHELL := /bin/bash
.DEFAULT_GOAL := run
.PHONY: run test bench fuzz setup build

# Expanded in the recipes, hence after setup has run.
llvm = $(shell scripts/llvm)
llvm_version = $(firstword $(llvm))
llvm_prefix_name = LLVM_SYS_$(if $(filter 22,$(llvm_version)),22,$(if $(filter 21,$(llvm_version)),21,$(if $(filter 20,$(llvm_version)),20,19)))1_PREFIX

cargo_flags = --no-default-features --features llvm$(llvm_version)
environment = $(llvm_prefix_name)=$(lastword $(llvm)) WEFT_CARGO_FLAGS="$(cargo_flags)" WEFT_BIN="$(WEFT_BIN)"

export CARGO ?= cargo
export WEFT_BIN ?= $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/weft
export WEFT_PYTHON ?= $(abspath .venv/bin/python)
# A wildcard that is looked up in the recipe, because setup may just have made it.
openblas = $(firstword $(WEFT_OPENBLAS) $(shell ls $(CURDIR)/.venv/lib/python3*/site-packages/scipy_openblas32/lib/libscipy_openblas.so 2>/dev/null))
with_blas = $(if $(openblas),WEFT_OPENBLAS="$(openblas)")

setup:
	@scripts/setup

build: setup
	$(environment) $(CARGO) build -p weft $(cargo_flags)

run: build
	$(with_blas) $(WEFT_BIN) open samples/jacobi_2d.py

test: setup
	@$(environment) $(with_blas) .venv/bin/python scripts/test $(STEPS)

bench: build
	@$(with_blas) .venv/bin/python tests/bench_compile.py
	@$(with_blas) .venv/bin/python tests/bench_run.py

fuzz: build
	@$(with_blas) .venv/bin/python tests/fuzz.py $(or $(N),1000) --seed $(or $(SEED),0)
