"""How fast the kernels run beside NumPy: time per call, interleaved with NumPy's in one run of the program.

`times` is NumPy's median over ours, so above 1 is faster. `aim` is the least that is asked of a kernel.
"""

import argparse
import json
import os
import sys

import common

AIMS = {"jacobi_2d": 4.0, "heat_3d": 4.0, "hdiff": 4.0, "arc_distance": 4.0, "cholesky": 10.0, "floyd_warshall": 3.0,
        "gemm": 0.9}
OTHERS = 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--size", default="S", choices=common.PRESETS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--optimize", default="auto")
    parser.add_argument("--time-budget", type=float, default=5.0, help="seconds for each kernel (default: 5)")
    options = parser.parse_args()
    program = common.weft_path(options.weft)

    print(f"{'kernel':18}{'ours':>12}{'95 % interval':>22}{'NumPy':>12}{'times':>9}{'aim':>6}{'GB/s':>8}{'GFLOP/s':>9}"
          f"   ms, size {options.size}, {options.threads} threads")
    below = []
    with common.Scratch() as folder:
        report = os.path.join(folder, "report.json")
        for kernel in common.samples(options.kernels):
            run = common.weft(program, "run", kernel.path, "--size", options.size, "--optimize", options.optimize,
                              "--threads", options.threads, "--baseline", "numpy", "--time-budget", options.time_budget,
                              "--report", report, timeout=600)
            if run.complaint():
                print(f"{kernel.name:18}{run.complaint()}", flush=True)
                below.append(kernel.name)
                continue
            with open(report) as file:
                found = json.load(file)
            ours, numpy = found["median_ms"], found["baseline"]["numpy_median_ms"]
            low, high = found["ci95_ms"]
            aim = AIMS.get(kernel.name, OTHERS)
            if numpy / ours < aim:
                below.append(kernel.name)
            rates = [f"{found[key] / ours / 1e6:.1f}" if key in found else "" for key in ("moved_bytes", "work_flop")]
            print(f"{kernel.name:18}{ours:12.4f}{f'{low:.4f} - {high:.4f}':>22}{numpy:12.4f}{numpy / ours:9.2f}{aim:6.1f}"
                  f"{rates[0]:>8}{rates[1]:>9}", flush=True)
    print("below the aim: " + (", ".join(below) or "none"))
    sys.exit(bool(below))


if __name__ == "__main__":
    main()
