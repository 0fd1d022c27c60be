"""Runs DaCe's files through the program and compares with NumPy.

    python tests/sdfg_run.py                  the repository's own files of samples
    python tests/sdfg_run.py FILE.sdfgz …     files named SAMPLE.STAGE.sdfgz, of kernels that samples/ has

Each file runs as it is and after `--optimize auto`; with --back also what `weft export` makes of it.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import sys
import tempfile

import numpy as np

import common

SIZES = (11, 13, 9, 10, 12)
SMALL_SIZES = (2, 3, 5, 7, 4, 6)
OWN_SIZES = {
    "lenet": {"N": 2, "H": 16, "W": 20, "C_before_fc1": 32},
    "resnet": {"N": 2, "W": 6, "H": 6, "C1": 8, "C2": 2},
    "conv2d_bias": {"N": 2, "C_in": 3, "C_out": 4, "K": 3, "H": 9, "W": 8},
    "spmv": {"M": 13, "N": 11, "nnz": 37},
    "nbody": {"N": 6, "tEnd": 1.0, "dt": 0.1, "Nt": 10},
    "hdiff": {"I": 7, "J": 6, "K": 5},
    "cavity_flow": {"ny": 11, "nx": 13, "nt": 5, "nit": 4},
}
FIXTURES = os.path.join(common.ROOT, "ir", "fixtures", "dace")


def sizes_of(kernel):
    made = SIZES if len(kernel.symbols) <= len(SIZES) else SMALL_SIZES
    return OWN_SIZES.get(kernel.name) or dict(zip(kernel.symbols, made))


def run(program, path, level, folder):
    """One word on the outcome, and one line on what is wrong."""
    kernel = common.sample(os.path.basename(path).split(".")[0])
    sizes = sizes_of(kernel)
    inputs = kernel.inputs(sizes)
    expected = common.reference(kernel.load(), inputs)
    if kernel.name == "nbody":
        inputs["mass"] = inputs["mass"].ravel()  # as DaCe's version has it
    stem = os.path.join(folder, f"{kernel.name}-{abs(hash((path, level)))}")
    common.save_inputs(stem + ".in.npz", inputs)
    given = [f"--set={n}={v}" for n, v in {**sizes, **inputs}.items() if type(v) is int]
    call = common.weft(program, "run", path, "--inputs", stem + ".in.npz", "--output", stem + ".npz", "--optimize", level,
                       "--repeat", "1", *given, timeout=300)
    if call.timed_out or call.panicked:
        return "crashed", call.complaint()
    if call.status == 2:
        return "refused", common.first_line_with(call.stderr, "")
    if call.status != 0:
        return "crashed", call.complaint()
    with np.load(stem + ".npz") as file:
        got = dict(file)
    # DaCe's versions return nothing that they have in a parameter.
    expected = {n: v.reshape(got[n].shape) if n in got and n == "mass" else v
                for n, v in expected.items() if n in got or not n.startswith("return_")}
    wrong = common.difference_of_all(expected, got)
    return ("wrong", wrong) if wrong else ("right", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN, else target/debug/weft)")
    parser.add_argument("--level", default="none,auto", help="levels of optimization")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    program = common.weft_path(options.weft)
    files = options.files or sorted(glob.glob(os.path.join(FIXTURES, "*.sdfgz")))
    levels = options.level.split(",")
    count = collections.Counter()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        cases = [(path, level) for path in files for level in levels]
        outcomes = pool.map(lambda case: run(program, *case, folder), cases)
        for (path, level), (word, reason) in zip(cases, outcomes):
            count[word] += 1
            if word != "right":
                print(f"{word:8} {os.path.basename(path)} {level}: {reason}", flush=True)
    print(", ".join(f"{n} {word}" for word, n in sorted(count.items())))
    print(f"{count['right']} passed, {sum(count.values()) - count['right']} failed")
    return count["right"] != sum(count.values())


if __name__ == "__main__":
    sys.exit(main())
