"""How large the simplified graphs of the samples are: as recorded, and not above DaCe's.

`nodes.txt` has the numbers of nodes and states of our graphs, `dace_nodes.txt` those of DaCe's. Nodes are those
that a DaCe file has, nested SDFGs' included: access nodes, tasklets, map entries and exits, library nodes, nested
SDFGs. Ours are counted in our export to such a file, but for states, which are those of the graph itself: what
stands for loops and branches in a state machine is not in it. With `--record` our table is written anew.
"""

import argparse
import json
import os
import sys

import common

OURS = os.path.join(common.ROOT, "tests", "nodes.txt")
DACE = os.path.join(common.ROOT, "tests", "dace_nodes.txt")
ABOUT = """\
# Nodes and states of the samples' graphs, imported at size S and simplified. Written by tests/nodes.py --record.
"""

# Where ours are larger, each with the reason; DaCe's version of the kernel is another program then.
ABOVE = {
    "azimint_naive": "picks by a mask, which DaCe's version does in a loop of its own",
    "conv2d_bias": "a product of four-dimensional arrays for each point of the stencil, not a sum",
    "lenet": "halves the images by a reshape and a maximum, not in loops",
    "nbody": "picks by masks, which DaCe's version does in loops of its own",
    "resnet": "the convolution of conv2d_bias",
    "spmv": "indices that are values are checked, and count from the end where negative",
}


def nodes(sdfg):
    """Nodes in all states of a DaCe file."""
    found = [node for state in sdfg["nodes"] for node in state["nodes"]]
    nested = (node["attributes"]["sdfg"] for node in found if node["type"] == "NestedSDFG")
    return len(found) + sum(nodes(inner) for inner in nested)


def measured(program, kernel, folder):
    """(nodes, states), or a line on why there are none."""
    out = os.path.join(folder, "graph.sdfg")
    run = common.weft(program, "export", kernel.path, "--size", "S", "--optimize", "simplify", "--to", "sdfg",
                      "--output", out)
    if run.complaint():
        return run.complaint()
    with open(out) as file:
        sdfg = json.load(file)
    text = sdfg["attributes"]["_meta_weft"]["text"]
    return nodes(sdfg), sum(line.lstrip().startswith("state ") for line in text.splitlines())


def table(path):
    with open(path) as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    return {name: (int(count), int(states)) for name, count, states in rows}


def problem(name, found, recorded, dace):
    """What is wrong with a sample's graph, or None."""
    if isinstance(found, str):
        return found
    if found != recorded.get(name):
        return f"{found[0]} nodes in {found[1]} states, recorded are {recorded.get(name)} (--record)"
    above = name in dace and any(ours > theirs for ours, theirs in zip(found, dace[name]))
    if above and name not in ABOVE:
        return f"{found[0]} nodes in {found[1]} states, DaCe has {dace[name][0]} in {dace[name][1]}"
    if name in ABOVE and not above:
        return "is no larger than DaCe's: it has no business in ABOVE"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--record", action="store_true", help="write our table anew")
    options = parser.parse_args()
    program = common.weft_path(options.weft)

    with common.Scratch() as folder:
        kernels = common.samples(options.kernels)
        found = {kernel.name: measured(program, kernel, folder) for kernel in kernels}
    dace = table(DACE)
    if options.record:
        counted = {name: counts for name, counts in found.items() if not isinstance(counts, str)}
        rows = sorted({**(table(OURS) if options.kernels else {}), **counted}.items())
        with open(OURS, "w") as file:
            file.write(ABOUT + "".join(f"{name:26}{count:6}{states:6}\n" for name, (count, states) in rows))
    recorded = table(OURS)
    problems = {name: problem(name, counts, recorded, dace) for name, counts in found.items()}
    for name, line in problems.items():
        if line:
            print(f"{name}: {line}")
    failed = sum(line is not None for line in problems.values())
    print(f"{len(found) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
