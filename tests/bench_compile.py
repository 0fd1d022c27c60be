"""How long it takes from starting the program to a callable kernel, with an empty object cache.

Each kernel is compiled in fresh processes, one after the other. `callable` is callable_ms of the report, from
the start of the process to a callable address in the worker; `phases` is the sum of the phases of the report;
`wall` is the whole process as seen from outside, its end included.
"""

import argparse
import json
import os
import statistics
import sys
import time

import common

MEDIAN_BAR, WORST_BAR = 250.0, 800.0


def one_call(program, kernel, report, options):
    """(callable, phases, wall) in ms; nothing is read from a cache."""
    start = time.perf_counter()
    run = common.weft(program, "run", kernel.path, "--size", options.size, "--optimize", options.optimize,
                      "--repeat", 0, "--no-cache", "--report", report)
    wall = (time.perf_counter() - start) * 1e3
    if run.complaint():
        sys.exit(f"{kernel.name}: {run.complaint()}")
    with open(report) as file:
        found = json.load(file)
    return found["callable_ms"], sum(found["phases_ms"].values()), wall


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--processes", type=int, default=20, help="for each kernel (default: 20)")
    parser.add_argument("--size", default="S", choices=common.PRESETS)
    parser.add_argument("--optimize", default="auto")
    options = parser.parse_args()
    program = common.weft_path(options.weft)

    print(f"{'kernel':18}{'callable':>12}{'worst':>10}{'phases':>10}{'wall':>10}   ms, medians of {options.processes}")
    medians, worst = [], 0.0
    with common.Scratch() as folder:
        for kernel in common.samples(options.kernels):
            report = os.path.join(folder, "report.json")
            calls = [one_call(program, kernel, report, options) for _ in range(options.processes)]
            ready, phases, wall = (statistics.median(column) for column in zip(*calls))
            slowest = max(call[0] for call in calls)
            medians.append(ready)
            worst = max(worst, slowest)
            print(f"{kernel.name:18}{ready:12.1f}{slowest:10.1f}{phases:10.1f}{wall:10.1f}", flush=True)
    print(f"median of {len(medians)} kernels {statistics.median(medians):.1f} ms (aim: under {MEDIAN_BAR:.0f}), "
          f"worst call {worst:.1f} ms (aim: under {WORST_BAR:.0f})")


if __name__ == "__main__":
    main()
