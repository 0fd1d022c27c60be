"""NPBench's own kernels and ours, all that samples/ has: each original in NumPy is the reference.

For every kernel: our sample in NumPy, then `weft run` on the original file at every level of
optimization, on the data that NPBench's `initialize` makes. A cell of the table is `right`, `refused`
(exit status 2, the reason below), `wrong`, `crashed`, or `slow` (out of time). Some kernels magnify the
rounding of each operation without bound: `near` is a result beyond the tolerance that is no further from
NumPy's than what NumPy itself gives once the inputs are moved by one unit in their last place.
Anything but `right` and `near` fails.
"""

import argparse
import concurrent.futures
import functools
import inspect
import itertools
import os
import sys
import warnings

import numpy as np

import common
from differential import LEVELS, SMALL_PRIMES

# The sizes of `--preset small`: as small as the slowest original needs, and unequal.
SIZES = (11, 13, 9, 10, 12)
# Where sizes depend on each other or have a least value: enough for each dimension to count.
OWN_SIZES = {
    "gramschmidt": {"M": 13, "N": 11},
    "lenet": {"N": 2, "H": 17, "W": 19},
    "stockham_fft": {"R": 3, "K": 3},
    "spmv": {"M": 13, "N": 11, "nnz": 37},
}


def small_sizes(kernel):
    made = SIZES if len(kernel.symbols) <= len(SIZES) else SMALL_PRIMES
    return OWN_SIZES.get(kernel.name) or dict(zip(kernel.symbols, made))


def moved(value, rng):
    """The value with its floating-point numbers one unit in the last place up or down."""
    array = np.asanyarray(value)
    if array.dtype.kind not in "fc" or (array.dtype.kind == "c" and array.ndim == 0):
        return value
    parts = array.copy().view(array.real.dtype) if array.dtype.kind == "c" else array
    to = np.where(rng.random(parts.shape) < 0.5, -np.inf, np.inf).astype(parts.dtype)
    parts = np.where(parts == 0, parts, np.nextafter(parts, to)).astype(parts.dtype).view(array.dtype)
    return parts if isinstance(value, np.ndarray) else type(value)(parts)


def furthest(a, b):
    """The largest difference between elements, None where it is not one of finite numbers alone."""
    if a.dtype != b.dtype or a.shape != b.shape or a.dtype.kind not in "fc":
        return None
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return None
    return np.max(np.abs(a[finite] - b[finite]), initial=0.0)


class Comparison:
    """A kernel's data and what the original makes of them in NumPy."""

    # How often the inputs are moved.
    MOVES = 3

    def __init__(self, original, inputs):
        self.original, self.inputs = original, inputs
        self.expected = common.reference(original.load(), inputs)

    @functools.cached_property
    def spread(self):
        """How far each result moves when the inputs are moved in their last place."""
        found = dict.fromkeys(self.expected, 0.0)
        for seed in range(self.MOVES):
            rng = np.random.default_rng(seed)
            inputs = {name: moved(value, rng) for name, value in self.inputs.items()}
            for name, value in common.reference(self.original.load(), inputs).items():
                found[name] = max(found[name], furthest(self.expected[name], value) or 0.0)
        return found

    def judge(self, got):
        """The cell for a result, and a line on how it differs."""
        problem = common.difference_of_all(self.expected, got)
        if problem is None:
            return "right", None
        if set(got) != set(self.expected):
            return "wrong", problem
        for name, value in self.expected.items():
            if common.difference(value, got[name]):
                far = furthest(value, got[name])
                if far is None or far > self.spread[name]:
                    return "wrong", problem
        return "near", problem

    def sample(self, ours):
        """The cell of our sample, and a line on how it differs."""
        parameters = list(inspect.signature(ours.load()).parameters)
        given = dict(zip(parameters, self.inputs.values()))
        # Arrays go by the place of their parameter: ours may be called otherwise.
        back = dict(zip(parameters, self.inputs))
        got = {back.get(name, name): value for name, value in common.reference(ours.load(), given).items()}
        return self.judge(got)

    def original_file(self, program, level, threads, timeout, folder, number):
        """The cell of a level, and a line on it where it is not `right`."""
        given, out = os.path.join(folder, f"in{number}.npz"), os.path.join(folder, f"out{number}.npz")
        common.save_inputs(given, self.inputs)
        extra = ["--threads", threads] if threads else []
        try:
            run = common.weft(program, "run", self.original.target, "--inputs", given, "--optimize", level,
                              "--output", out, *extra, timeout=timeout)
            if run.timed_out:
                return "slow", f"no result after {timeout} s"
            if run.panicked or run.status not in (0, 2):
                return "crashed", run.complaint()
            if run.status == 2:
                return "refused", common.first_line_with(run.stderr, "")
            try:
                with np.load(out) as file:
                    got = dict(file)
            except Exception as error:  # whatever NumPy says about a file that it cannot read
                return "wrong", f"the output cannot be read: {error}"
            return self.judge(got)
        finally:
            for path in (given, out):
                if os.path.exists(path):
                    os.remove(path)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--npbench", metavar="DIR", required=True, help="a checkout of NPBench")
    parser.add_argument("--npbench-scc22", metavar="DIR", help="a checkout of its branch scc22, for what main lacks")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--optimize", action="append", help="a level or a recipe; may be repeated (default: all levels)")
    parser.add_argument("--preset", choices=("small", *common.PRESETS), default="small", help="the sizes (default: small)")
    parser.add_argument("--samples-only", action="store_true", help="do not call the program")
    parser.add_argument("--threads", type=int, help="passed on to the program")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one call (default: 120)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="calls at a time")
    options = parser.parse_args()
    options.optimize = [] if options.samples_only else options.optimize or list(LEVELS)
    return options


def compared(ours, original, options):
    """The comparison for a kernel, with the cell of our sample and a line on it."""
    sizes = small_sizes(original) if options.preset == "small" else original.presets[options.preset]
    comparison = Comparison(original, original.inputs(sizes))
    try:
        return comparison, comparison.sample(ours)
    except Exception as error:  # whatever a sample raises is a failure of this sample only
        return comparison, ("crashed", f"{type(error).__name__}: {error}")


def main():
    options = parse_options()
    warnings.simplefilter("ignore")  # division by zero and the like are part of some results
    program = None if options.samples_only else common.weft_path(options.weft)
    columns = ["sample", *options.optimize]
    print(f"{'kernel':26}" + "".join(f"{column:>10}" for column in columns), flush=True)
    cells, reasons, number = [], [], itertools.count()
    with common.Scratch() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for ours in common.samples(options.kernels):
            original = common.npbench_original(ours.name, options.npbench, options.npbench_scc22)
            comparison, first = compared(ours, original, options)
            calls = [pool.submit(comparison.original_file, program, level, options.threads, options.timeout, folder,
                                 next(number)) for level in options.optimize]
            row = [first, *(call.result() for call in calls)]
            cells += [cell for cell, _ in row]
            reasons += [f"{ours.name}, {column}: {cell}: {reason}" for column, (cell, reason) in zip(columns, row) if reason]
            print(f"{ours.name:26}" + "".join(f"{cell:>10}" for cell, _ in row), flush=True)
    print("\n" + "\n".join(reasons))
    failed = sum(cell not in ("right", "near") for cell in cells)
    print(f"{len(cells) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
