"""Everything that `weft export` writes, for every sample, and reading `.sdfg` files back.

Each picture, text and listing must be there, and an SVG well-formed. An exported .sdfg must run with NumPy's
result, as it is and with our own attribute taken out, which is how DaCe saves it. Files that are no .sdfg are
refused with a message.
"""

import argparse
import concurrent.futures
import gzip
import itertools
import json
import os
import sys
import xml.etree.ElementTree

import numpy as np

import common

FORMATS = ("dot", "svg", "text", "looptree", "ll", "asm")
LEVELS = ("none", "auto")

# What must be in the file, so that one format is not taken for another.
MARKS = {"dot": "digraph", "text": "sdfg ", "ll": "define ", "asm": ".globl"}

NO_GRAPHS = {
    "empty.sdfg": b"",
    "brace.sdfg": b"{",
    "list.sdfg": b"[]",
    "members.sdfg": b'{"type": "SDFG"}',
    "deep.sdfg": b"[" * 100_000,
    "bytes.sdfg": bytes(range(256)),
    "python.sdfg": b"def f(x):\n    return x\n",
    "bytes.sdfgz": b"\x1f\x8b\x08\x00garbage",
}


def written(program, kernel, level, what, folder):
    """One line on what is wrong with an export, or None."""
    path = os.path.join(folder, f"{kernel.name}-{level}.{what}")
    run = common.weft(program, "export", kernel.target, "--optimize", level, "--to", what, "--output", path)
    if run.complaint():
        return run.complaint()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if not text.strip():
        return "the file is empty"
    if what == "svg":
        try:
            root = xml.etree.ElementTree.fromstring(text)
        except xml.etree.ElementTree.ParseError as error:
            return f"not XML: {error}"
        if root.tag.rpartition("}")[2] != "svg":
            return f"the root is <{root.tag}>"
    if MARKS.get(what, "") not in text:
        return f"no '{MARKS[what]}' in it"
    return None


def without_our_attribute(path):
    """A copy of the file as DaCe would save it."""
    with open(path) as file:
        graph = json.load(file)
    del graph["attributes"]["_meta_weft"]
    bare = path.replace(".sdfg", "-bare.sdfg")
    with open(bare, "w") as file:
        json.dump(graph, file)
    return bare


def read_back(program, kernel, level, folder):
    """One line on what is wrong with an exported .sdfg when it is opened again, or None."""
    path = os.path.join(folder, f"{kernel.name}-{level}.sdfg")
    run = common.weft(program, "export", kernel.target, "--optimize", level, "--to", "sdfg", "--output", path)
    if run.complaint():
        return run.complaint()
    inputs = kernel.inputs(dict(zip(kernel.symbols, (5, 24, 17))))
    given = path.replace(".sdfg", "-in.npz")
    common.save_inputs(given, inputs)
    expected = common.reference(kernel.load(), inputs)
    for file in (path, without_our_attribute(path)):
        out = file.replace(".sdfg", "-out.npz")
        for run in (common.weft(program, "check", file),
                    common.weft(program, "run", file, "--inputs", given, "--optimize", "none", "--output", out)):
            if run.complaint():
                return f"{os.path.basename(file)}: {run.complaint()}"
        with np.load(out) as arrays:
            got = dict(arrays)
        for name, value in expected.items():
            if name not in got:
                return f"{os.path.basename(file)}: no {name} in the output"
            # DaCe has no results of rank 0: they are arrays of one element there.
            boxed = got[name].reshape(value.shape) if got[name].size == value.size == 1 else got[name]
            problem = common.difference(value, boxed)
            if problem:
                return f"{os.path.basename(file)}: {name}: {problem}"
    return None


def refused(program, name, content, folder):
    """One line on how a file that holds no graph is not refused, or None."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    for command in (("check", path), ("run", path), ("export", path, "--to", "text", "--output", path + ".out")):
        run = common.weft(program, *command)
        if run.panicked or run.timed_out:
            return f"{command[0]}: {run.complaint()}"
        if run.status != 2 or name not in run.stderr:
            return f"{command[0]}: exit status {run.status}, saying: {common.first_line_with(run.stderr, '')}"
    return None


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    return parser.parse_args()


def main():
    options = parse_options()
    program = common.weft_path(options.weft)
    kernels = common.core_samples(options.kernels)
    failed = passed = 0
    with common.Scratch() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = []
        for kernel, level, what in itertools.product(kernels, LEVELS, FORMATS):
            job = pool.submit(written, program, kernel, level, what, folder)
            jobs.append((f"{kernel.name} ({level}, {what})", job))
        for kernel, level in itertools.product(kernels, LEVELS):
            job = pool.submit(read_back, program, kernel, level, folder)
            jobs.append((f"{kernel.name} ({level}, read back)", job))
        for name, content in NO_GRAPHS.items():
            jobs.append((name, pool.submit(refused, program, name, content, folder)))
        # gzip around something that is no graph
        jobs.append(("zip.sdfgz", pool.submit(refused, program, "zip.sdfgz", gzip.compress(b"[1, 2"), folder)))
        for what, job in jobs:
            problem = job.result()
            passed += not problem
            failed += bool(problem)
            if problem:
                print(f"FAIL {what}: {problem}", flush=True)
    print(f"{len(kernels)} kernels, {len(LEVELS)} graphs each, {len(FORMATS)} formats")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
