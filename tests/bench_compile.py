"""How long it takes from starting the program to a callable kernel, with an empty object cache.

Each kernel is compiled in fresh processes, one after the other, on small data. `callable` is first_call_ms
of the report, from the start of the process to a callable address in the worker; `phases` is the sum of the
phases of the report; `wall` is the whole process as seen from outside.
"""

import argparse
import json
import os
import statistics
import sys
import time

import common

MEDIAN_BAR, WORST_BAR = 250.0, 800.0


def one_call(program, kernel, given, folder, options):
    """(callable, phases, wall) in ms; the program's caches are in a folder that is new for each call."""
    report = os.path.join(folder, "report.json")
    with common.Scratch() as cache:
        start = time.perf_counter()
        run = common.weft(program, "run", kernel.target, "--inputs", given, "--optimize", options.optimize,
                          "--repeat", 1, "--report", report, env={"XDG_CACHE_HOME": cache})
        wall = (time.perf_counter() - start) * 1e3
    if run.complaint():
        sys.exit(f"{kernel.name}: {run.complaint()}")
    with open(report) as file:
        found = json.load(file)
    return found["first_call_ms"], sum(found["phases_ms"].values()), wall


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--processes", type=int, default=20, help="for each kernel (default: 20)")
    parser.add_argument("--optimize", default="auto")
    options = parser.parse_args()
    program = common.weft_path(options.weft)

    print(f"{'kernel':18}{'callable':>12}{'worst':>10}{'phases':>10}{'wall':>10}   ms, medians of {options.processes}")
    medians, worst = [], 0.0
    with common.Scratch() as folder:
        for kernel in common.samples(options.kernels):
            given = os.path.join(folder, "in.npz")
            common.save_inputs(given, kernel.inputs(dict(zip(kernel.symbols, (12, 13, 14)))))
            calls = [one_call(program, kernel, given, folder, options) for _ in range(options.processes)]
            ready, phases, wall = (statistics.median(column) for column in zip(*calls))
            slowest = max(call[0] for call in calls)
            medians.append(ready)
            worst = max(worst, slowest)
            print(f"{kernel.name:18}{ready:12.1f}{slowest:10.1f}{phases:10.1f}{wall:10.1f}", flush=True)
    print(f"median of {len(medians)} kernels {statistics.median(medians):.1f} ms (aim: under {MEDIAN_BAR:.0f}), "
          f"worst call {worst:.1f} ms (aim: under {WORST_BAR:.0f})")


if __name__ == "__main__":
    main()
