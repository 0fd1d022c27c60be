"""DaCe opens what we export: every sample, raw, simplified and optimized.

Runs in .venv-dace. Each exported .sdfg must validate in DaCe and contain Python tasklets only. A raw graph
has one map or library node per NumPy operation. gemm, jacobi_2d and softmax are also compiled and run by
DaCe, and their results compared with NumPy.
"""

import argparse
import concurrent.futures
import itertools
import os
import sys
import tempfile

import numpy as np

import common

LEVELS = ("raw", "simplify", "auto")
RUN = ("gemm", "jacobi_2d", "softmax")

# Array operations as written in each sample: operators and NumPy calls on arrays, helpers counted once per
# call, then the assignments to slices, which may be copies of their own. Work on single numbers is not
# counted.
OPERATIONS = {
    "arc_distance": (18, 0),
    "atax": (2, 0),
    "cholesky": (2, 0),
    "fdtd_2d": (11, 1),
    "floyd_warshall": (2, 1),
    "gemm": (4, 0),
    "gesummv": (5, 0),
    "go_fast": (1, 0),
    "hdiff": (20, 1),
    "heat_3d": (30, 2),
    "jacobi_1d": (6, 2),
    "jacobi_2d": (10, 2),
    "lstsqr": (8, 0),
    "mvt": (4, 2),
    "softmax": (5, 0),
    "specialconvolve": (6, 0),
    "wdist": (4, 0),
}


def export(program, kernel, level, folder):
    """Writes the .sdfg; returns its path and one line on what went wrong, or None."""
    path = os.path.join(folder, f"{kernel.name}-{level}.sdfg")
    asked = "none" if level == "raw" else level
    run = common.weft(program, "export", kernel.target, "--optimize", asked, "--to", "sdfg", "--output", path)
    return path, run.complaint()


def inspect(dace, path, kernel, level):
    """One line on what is wrong with an exported graph, or None."""
    sdfg = dace.SDFG.from_file(path)
    sdfg.validate()
    maps = libraries = 0
    for node, _ in sdfg.all_nodes_recursive():
        if isinstance(node, dace.nodes.Tasklet) and node.language != dace.dtypes.Language.Python:
            return f"tasklet {node.label} is in {node.language}"
        maps += isinstance(node, dace.nodes.MapEntry)
        libraries += isinstance(node, dace.nodes.LibraryNode)
    if level == "raw":
        operations, copies = OPERATIONS[kernel.name]
        if not operations <= maps + libraries <= operations + copies:
            more = f" to {operations + copies}" if copies else ""
            return f"{maps} maps and {libraries} library nodes for {operations}{more} array operations"
    return None


def call(dace, path, kernel, sizes):
    """Compiles and runs a graph in DaCe; one line on how the result differs from NumPy's, or None."""
    from dace.frontend.python.parser import infer_symbols_from_datadescriptor

    inputs = kernel.inputs(sizes)
    expected = common.reference(kernel.load(), inputs)
    sdfg = dace.SDFG.from_file(path)
    # A name that means something to SymPy or C++ is another one in the file; the order is the same.
    renamed = dict(zip(inputs, sdfg.arg_names))
    given = {renamed[name]: common.as_argument(np.asanyarray(value)) for name, value in inputs.items()}
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    symbols = infer_symbols_from_datadescriptor(sdfg, arrays)
    scalars = {name: value for name, value in given.items() if name not in arrays}
    arguments = {}
    for name in sdfg.arglist():
        if name in arrays:
            arguments[name] = arrays[name]
        elif name in scalars:
            arguments[name] = scalars[name]
        elif name in symbols:
            arguments[name] = symbols[name]
        elif not name.startswith("__return"):  # DaCe itself allocates results
            return f"DaCe asks for an argument {name} that the kernel does not have"
    returned = sdfg(**arguments)
    results = [name for name in expected if name not in inputs]
    if returned is not None:
        values = returned if isinstance(returned, (tuple, list)) else (returned,)
        arguments.update(zip(results, values))
    for name, value in expected.items():
        if renamed.get(name, name) not in arguments:
            return f"DaCe does not return {name}"
        problem = common.difference(value, np.asanyarray(arguments[renamed.get(name, name)]).reshape(value.shape))
        if problem:
            return f"{name}: {problem}"
    return None


def attempt(check, *arguments):
    """What a check says; DaCe's own complaints, of any class, are findings as well."""
    try:
        return check(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--quick", action="store_true", help="run jacobi_2d only; the others are still validated")
    parser.add_argument("--all", action="store_true", help="compile and run every kernel (minutes)")
    return parser.parse_args()


def main():
    options = parse_options()
    program = common.weft_path(options.weft)
    kernels = common.core_samples(options.kernels)
    failures, passed = [], 0
    with common.Scratch() as folder:
        # DaCe reads these when it is imported: nothing of it is left outside the scratch folder.
        os.environ["DACE_CONFIG"] = os.path.join(folder, "dace.conf")
        os.environ["DACE_default_build_folder"] = os.path.join(folder, "build")
        os.environ["DACE_compiler_cpu_args"] = "-std=c++14 -fPIC -Wall -Wno-unused-parameter -Wno-unused-label -O1"
        tempfile.tempdir = folder
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            pairs = list(itertools.product(kernels, LEVELS))
            exports = [pool.submit(export, program, kernel, level, folder) for kernel, level in pairs]
            import dace  # takes seconds, so the exports run meanwhile

            for (kernel, level), job in zip(pairs, exports):
                path, problem = job.result()
                problem = problem or attempt(inspect, dace, path, kernel, level)
                checks = [("opens", problem)]
                if not problem and (options.all or kernel.name in (("jacobi_2d",) if options.quick else RUN)):
                    sizes = dict(zip(kernel.symbols, (5, 24, 17)))
                    checks.append(("runs", attempt(call, dace, path, kernel, sizes)))
                for what, finding in checks:
                    passed += not finding
                    if finding:
                        failures.append(kernel.name)
                        print(f"FAIL {kernel.name} ({level}, {what}): {finding}", flush=True)
    print(f"{len(kernels)} kernels, {len(LEVELS)} graphs each; DaCe {dace.__version__}")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
