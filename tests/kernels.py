"""Whole kernels against NumPy: every public function of tests/kernels/*.py, at several levels of optimization.

    tests/kernels.py                  all of them
    tests/kernels.py lists some       the functions of these files, or with these names

A file's ARGUMENTS has the values of parameters by name. A function whose name begins with `refused_` must be
refused; every other one must give what it gives in Python: lists arrive as arrays.
"""

import argparse
import copy
import glob
import importlib.util
import inspect
import os
import sys

import numpy as np

import batch as runner
import common

FOLDER = os.path.join(common.ROOT, "tests", "kernels")
LEVELS = ("none", "auto")


def functions(path):
    """The public functions of a file, and its arguments."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == spec.name]
    return [f for f in own if not f.__name__.startswith("_")], module.ARGUMENTS


def expected(function, inputs):
    """What the function gives, or None where it raises."""
    try:
        return common.reference(function, copy.deepcopy(inputs))
    except (ValueError, IndexError, ZeroDivisionError, TypeError, AttributeError):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="files or functions")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    options = parser.parse_args()
    passed = failed = 0
    with runner.Batch(common.weft_path(options.weft)) as batch:
        for path in sorted(glob.glob(os.path.join(FOLDER, "*.py"))):
            found, arguments = functions(path)
            for function in found:
                if options.names and not {os.path.basename(path)[:-3], function.__name__} & set(options.names):
                    continue
                inputs = {p: np.asanyarray(arguments[p]) for p in inspect.signature(function).parameters}
                wanted = expected(function, inputs)
                refused = function.__name__.startswith("refused_")
                for level in LEVELS:
                    outcome = batch.run_file(path, function.__name__, inputs, level)
                    verdict, message = runner.judged(*outcome, wanted)
                    good = verdict == (runner.REFUSED if refused else runner.RIGHT)
                    passed, failed = passed + good, failed + (not good)
                    if not good:
                        print(f"FAIL {os.path.basename(path)}::{function.__name__} ({level}): {verdict} {message}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
