"""How long it takes from starting the program to a callable kernel, with an empty object cache.

Each kernel is compiled in fresh processes, one after the other. `callable` is callable_ms of the report, from
the start of the process to a callable address in the worker; `import` is what of it leads from the file to the
simplified graph; `phases` is the sum of the phases of the report; `wall` is the whole process as seen from outside,
its end included. With `--npbench` it is NPBench's own files that are compiled.
"""

import argparse
import json
import os
import statistics
import sys
import time

import common

MEDIAN_BAR, WORST_BAR, IMPORT_BAR = 250.0, 800.0, 100.0
TO_GRAPH = ("parse", "lower", "simplify")


def arguments(kernel, options, folder):
    """How the program is told the arguments of the preset."""
    if not options.npbench:
        return ["--size", options.size]
    path = os.path.join(folder, "inputs.npz")
    common.save_inputs(path, kernel.inputs(kernel.presets[options.size]))
    return ["--inputs", path]


def one_call(program, kernel, given, report, options):
    """(callable, import, phases, wall) in ms; nothing is read from a cache."""
    start = time.perf_counter()
    run = common.weft(program, "run", kernel.target, *given, "--optimize", options.optimize,
                      "--repeat", 0, "--no-cache", "--report", report)
    wall = (time.perf_counter() - start) * 1e3
    if run.complaint():
        sys.exit(f"{kernel.name}: {run.complaint()}")
    with open(report) as file:
        found = json.load(file)
    phases = found["phases_ms"]
    return found["callable_ms"], sum(phases.get(p, 0.0) for p in TO_GRAPH), sum(phases.values()), wall


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--processes", type=int, default=20, help="for each kernel (default: 20)")
    parser.add_argument("--size", default="S", choices=common.PRESETS)
    parser.add_argument("--optimize", default="auto")
    parser.add_argument("--npbench", metavar="DIR", help="a checkout of NPBench: its files instead of the samples")
    parser.add_argument("--npbench-scc22", metavar="DIR", help="a checkout of its branch scc22, for what main lacks")
    options = parser.parse_args()
    program = common.weft_path(options.weft)

    print(f"{'kernel':26}{'callable':>10}{'worst':>10}{'import':>10}{'phases':>10}{'wall':>10}"
          f"   ms, medians of {options.processes}")
    medians, imports, worst = [], {}, 0.0
    with common.Scratch() as folder:
        for kernel in common.samples(options.kernels):
            if options.npbench:
                kernel = common.npbench_original(kernel.name, options.npbench, options.npbench_scc22)
            report, given = os.path.join(folder, "report.json"), arguments(kernel, options, folder)
            calls = [one_call(program, kernel, given, report, options) for _ in range(options.processes)]
            ready, imported, phases, wall = (statistics.median(column) for column in zip(*calls))
            slowest = max(call[0] for call in calls)
            medians.append(ready)
            imports[kernel.name] = imported
            worst = max(worst, slowest)
            print(f"{kernel.name:26}{ready:10.1f}{slowest:10.1f}{imported:10.1f}{phases:10.1f}{wall:10.1f}", flush=True)
    print(f"median of {len(medians)} kernels {statistics.median(medians):.1f} ms (aim: under {MEDIAN_BAR:.0f}), "
          f"worst call {worst:.1f} ms (aim: under {WORST_BAR:.0f})")
    slow = max(imports, key=imports.get)
    print(f"slowest import: {slow}, {imports[slow]:.1f} ms (aim: under {IMPORT_BAR:.0f})")


if __name__ == "__main__":
    main()
