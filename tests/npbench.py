"""NPBench's own kernels and ours, all that samples/ has: each original in NumPy is the reference.

For every kernel: our sample in NumPy, then `weft run` on the original file at every level of
optimization, on the data that NPBench's `initialize` makes. A cell of the table is `right`, `refused`
(exit status 2, the reason below), `wrong`, `crashed`, or `slow` (out of time). Anything but `right` fails.
"""

import argparse
import concurrent.futures
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


class Comparison:
    """A kernel's data and what the original makes of them in NumPy."""

    def __init__(self, original, inputs):
        self.original, self.inputs = original, inputs
        self.expected = common.reference(original.load(), inputs)

    def sample(self, ours):
        """One line on how our sample differs, or None."""
        parameters = list(inspect.signature(ours.load()).parameters)
        given = dict(zip(parameters, self.inputs.values()))
        # Arrays go by the place of their parameter: ours may be called otherwise.
        back = dict(zip(parameters, self.inputs))
        got = {back.get(name, name): value for name, value in common.reference(ours.load(), given).items()}
        return common.difference_of_all(self.expected, got)

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
            problem = common.compare(self.expected, out)
            return ("wrong", problem) if problem else ("right", None)
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
        problem = comparison.sample(ours)
    except Exception as error:  # whatever a sample raises is a failure of this sample only
        return comparison, ("crashed", f"{type(error).__name__}: {error}")
    return comparison, ("wrong", problem) if problem else ("right", None)


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
    failed = sum(cell != "right" for cell in cells)
    print(f"{len(cells) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
