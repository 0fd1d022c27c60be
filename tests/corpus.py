"""Runs other people's NumPy kernels through NumPy and Weft, and counts what comes out right.

    tests/corpus.py DIR [NAME ...]     -v prints every refusal, with its place

DIR holds pairs NAME.py and NAME.npz, outside of the repository. The file's name ends in `__FUNCTION`; the
.npz has one entry for each parameter that has no default, a 0-d one being a Python number. Kernels on which
NumPy itself fails are left out. The summary says only reasons and how often, not what the kernels look like.
"""

import argparse
import collections
import glob
import os
import sys
import warnings

import numpy as np

import batch as runner
import common


def load(path):
    """A kernel's function, arguments and NumPy's results; None where NumPy fails."""
    function = os.path.basename(path)[:-3].rsplit("__", 1)[1]
    with np.load(path[:-3] + ".npz") as file:
        arguments = {name: common.as_argument(file[name]) for name in file}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function, arguments, common.reference(common.load_function(path, function), arguments)
        except Exception:  # whatever NumPy says
            return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only files whose name has this")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--optimize", default="auto", help="none, simplify or auto (default: auto)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", "-v", action="store_true")
    options = parser.parse_args()
    program = common.weft_path(options.weft)
    paths = [p for p in sorted(glob.glob(os.path.join(options.folder, "*.py")))
             if os.path.exists(p[:-3] + ".npz")
             and (not options.names or any(n in os.path.basename(p) for n in options.names))]
    loaded = [(path, load(path)) for path in paths]
    kernels = [(path, made) for path, made in loaded if made is not None]

    def work(batch, item):
        path, (function, arguments, expected) = item
        outcome = batch.run_file(os.path.abspath(path), function, arguments, options.optimize)
        return runner.judged(*outcome, expected)

    results = runner.spread(options.jobs, program, kernels, work)
    counts, reasons = collections.Counter(), collections.Counter()
    for (path, _), (verdict, message) in zip(kernels, results):
        counts[verdict] += 1
        if verdict == runner.REFUSED:
            reasons[runner.reason_of(message)] += 1
        if verdict not in (runner.RIGHT, runner.REFUSED) or (options.verbose and verdict != runner.RIGHT):
            text = message.strip() if options.verbose else message.strip().split("\n")[0]
            print(f"{verdict.upper()} {os.path.basename(path)[:-3]}: {text}")
    print("refusals by reason:")
    for reason, count in reasons.most_common():
        print(f"{count:6}  {reason}")
    total = max(len(kernels), 1)
    print(f"{len(kernels)} kernels ({len(paths) - len(kernels)} left out): "
          + ", ".join(f"{counts[v]} {v} ({100 * counts[v] / total:.1f} %)" for v in runner.VERDICTS))
    failed = len(kernels) - counts[runner.RIGHT]
    print(f"{counts[runner.RIGHT]} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
