"""What plain NumPy costs to move: for each of NPBench's kernels, the lines that differ from its NumPy version.

For Weft the original file is imported, run and compared with NumPy, as `npbench.py` does: 0 where that is
right, else the word for what happened. For DaCe and Numba the lines of NPBench's own versions are counted.
Both files are parsed and written out again by Python's `ast`, without docstrings: comments, blank lines and
line breaks do not count, a statement is a line. A block of changed lines counts as many as its longer side
has. Of Numba's versions those that are compiled as a whole count (nopython), and of these the closest to NumPy.

Prints the table in Markdown; `docs/productivity.md` is what this prints.
"""

import argparse
import ast
import difflib
import glob
import os
import statistics
import sys
import warnings

import common
from npbench import Comparison, small_sizes

MISSING = "none"


def statements(path):
    """The code of a file, one statement a line."""
    with open(path) as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            node.body = kept or [ast.Pass()]
    return ast.unparse(tree).splitlines()


def changed(numpy_path, path):
    """Lines that somebody edits to get from one file to the other."""
    before, after = statements(numpy_path), statements(path)
    before, after = ([line for line in lines if line.strip()] for lines in (before, after))
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for kind, a, b, c, d in blocks if kind != "equal")


def fewest(original, pattern):
    """The count for the closest of NPBench's versions, or `MISSING`."""
    found = sorted(glob.glob(original.path.replace("_numpy.py", pattern)))
    return min((changed(original.path, path) for path in found), default=MISSING)


def weft(original, program, timeout, folder):
    """0 where the original file gives what NumPy gives, else why it does not."""
    comparison = Comparison(original, original.inputs(small_sizes(original)))
    cell, _ = comparison.original_file(program, "auto", None, timeout, folder, 0)
    return 0 if cell in ("right", "near") else cell


def totals(column):
    counts = [cell for cell in column if isinstance(cell, int)]
    return f"{len(counts)} kernels, {sum(counts)} lines, median {statistics.median(counts):g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--npbench", metavar="DIR", required=True, help="a checkout of NPBench")
    parser.add_argument("--npbench-scc22", metavar="DIR", help="a checkout of its branch scc22, for what main lacks")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one call (default: 120)")
    options = parser.parse_args()
    program = common.weft_path(options.weft)
    warnings.simplefilter("ignore")

    rows = []
    with common.Scratch() as folder:
        for ours in common.samples(options.kernels):
            original = common.npbench_original(ours.name, options.npbench, options.npbench_scc22)
            cells = (weft(original, program, options.timeout, folder),
                     fewest(original, "_dace*.py"), fewest(original, "_numba_n*.py"))
            rows.append((ours.name, *cells))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    print(HEADER)
    for name, *cells in rows:
        print(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    print("| **all** | " + " | ".join(totals(column) for column in list(zip(*rows))[1:]) + " |")


HEADER = """\
# Lines to change

NPBench has each of its kernels as plain NumPy, and rewritten for other compilers by people who know these well. The table says how many lines a rewrite differs in from the NumPy file. For Weft there is no rewrite: `0` is an original file that is imported as it is, with arguments from outside of it, compiled with all optimizations, run, and right by the tolerances of `tests/npbench.py`. Other words are what happens instead; `none` means that NPBench has no such version.

A line is a statement as Python's `ast` writes it, without docstrings; comments and layout do not count. A block of changed lines counts as many as its longer side has: type annotations, decorators, declarations of symbols, imports, and what had to be written differently. Of Numba's versions those count that are compiled as a whole (nopython), and of these the one closest to NumPy.

Made by `tests/productivity.py --npbench DIR --npbench-scc22 DIR2`, where the first is a checkout of [NPBench](https://github.com/spcl/npbench) and the second one of its branch `scc22`, which has the kernels that the main branch lacks.

| kernel | Weft | DaCe | Numba |
|---|---:|---:|---:|"""


if __name__ == "__main__":
    main()
