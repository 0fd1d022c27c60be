"""Runs kernels through the program and through NumPy on the same data and compares element by element.

Without options: the samples, small and odd sizes, every level of optimization. A size that NumPy itself
does not accept is left out. See --help for NPBench's originals, renamed copies and large sizes.
"""

import argparse
import ast
import concurrent.futures
import itertools
import os
import random
import string
import sys

import numpy as np

import common

LEVELS = ("none", "simplify", "auto")
PRIMES = (29, 31, 37, 41, 43)
# For kernels whose arrays or loops have more dimensions than that.
SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


class Case:
    """One call: a kernel (or a renamed copy of it), its data, one level of optimization."""

    def __init__(self, kernel, label, inputs, expected, target, level, threads):
        self.kernel, self.label, self.inputs, self.expected = kernel, label, inputs, expected
        self.target, self.level, self.threads = target, level, threads


def has_few(symbols):
    return len(symbols) <= len(PRIMES)


def size_sets(kernel):
    """Small, odd and unequal sizes for every symbol of a kernel, and its own small preset."""
    symbols = kernel.symbols
    for size in (1, 2, 3, 7, 16) if has_few(symbols) else (1, 2, 3):
        yield f"all {size}", dict.fromkeys(symbols, size)
    yield "primes", dict(zip(symbols, PRIMES if has_few(symbols) else SMALL_PRIMES))
    if common.SMALL in kernel.presets:
        yield common.SMALL, kernel.presets[common.SMALL]
    yield "one 1", {s: 1 if i == len(symbols) - 1 else 5 for i, s in enumerate(symbols)}


def in_fortran_order(inputs):
    return {name: np.asfortranarray(value) if np.ndim(value) > 1 else value for name, value in inputs.items()}


# ---- renamed copies ----


def fresh_names(rng):
    while True:
        yield rng.choice(string.ascii_letters) + "".join(rng.choices(string.ascii_lowercase + string.digits, k=6)) + "_"


def renamed(kernel, seed, folder):
    """Writes a copy of the kernel's file in which the function, its parameters and its locals have other names.

    Returns the path of the copy, the new name of the function and the new name of each parameter.
    """
    rng = random.Random(f"{seed} {kernel.name}")
    with open(kernel.path) as file:
        tree = ast.parse(file.read())
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = (name for name in fresh_names(rng) if name not in taken)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == kernel.function)
    parameters = {argument.arg: next(names) for argument in function.args.args}
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    local = {name: next(names) for name in sorted(stored - set(parameters))}
    mapping = {**parameters, **local}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = mapping.get(node.arg, node.arg)
    new_name = next(names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == kernel.function:
            node.id = new_name
    function.name = new_name
    path = os.path.join(folder, next(names) + ".py")
    with open(path, "w") as file:
        file.write(ast.unparse(tree) + "\n")
    return path, new_name, parameters


# ---- cases ----


def expected_or_none(function, inputs):
    """NumPy's results; None where it refuses the sizes."""
    try:
        return common.reference(function, inputs)
    except (ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError):
        return None


def plain_cases(kernel, options):
    """The cases of a kernel as it stands; the number of sizes that NumPy does not accept comes last."""
    function = kernel.load()
    sets = list(size_sets(kernel))
    if options.preset:
        sets = [(f"preset {p}", kernel.presets[p]) for p in options.preset]
    skipped = 0
    for label, sizes in sets:
        try:
            inputs = kernel.inputs(sizes, seed=options.seed)
        except (ValueError, IndexError, ZeroDivisionError):
            skipped += 1
            continue
        variants = [(label, inputs)]
        if label == "primes" and any(np.ndim(value) > 1 for value in inputs.values()):
            variants.append((label + ", Fortran order", in_fortran_order(inputs)))
        for name, data in variants:
            expected = expected_or_none(function, data)
            if expected is None:
                skipped += 1
                continue
            for level in options.optimize:
                yield Case(kernel, name, data, expected, kernel.target, level, options.threads)
    yield skipped


def renamed_cases(kernel, options, folder):
    """Cases of copies of a kernel with other names, at random sizes."""
    rng = random.Random(f"{options.rename} {kernel.name}")
    skipped = 0
    for round_number in range(options.rounds):
        seed = options.rename * 1000 + round_number
        path, function_name, parameters = renamed(kernel, seed, folder)
        sizes = {symbol: rng.randint(1, 48 if has_few(kernel.symbols) else 6) for symbol in kernel.symbols}
        try:
            made = kernel.inputs(sizes, seed=seed)
        except (ValueError, IndexError, ZeroDivisionError):
            skipped += 1
            continue
        inputs = {parameters[name]: value for name, value in made.items()}
        expected = expected_or_none(common.load_function(path, function_name), inputs)
        if expected is None:
            skipped += 1
            continue
        label = "renamed, " + ", ".join(f"{k}={v}" for k, v in sizes.items())
        for level in options.optimize:
            yield Case(kernel, label, inputs, expected, f"{path}::{function_name}", level, options.threads)
    yield skipped


def run_case(program, case, folder, number):
    """One line on what is wrong, or None."""
    given, out = os.path.join(folder, f"in{number}.npz"), os.path.join(folder, f"out{number}.npz")
    common.save_inputs(given, case.inputs)
    extra = ["--threads", case.threads] if case.threads else []
    try:
        run = common.weft(program, "run", case.target, "--inputs", given, "--optimize", case.level, "--output", out,
                          *extra)
        return run.complaint() or common.compare(case.expected, out)
    finally:
        for path in (given, out):
            if os.path.exists(path):
                os.remove(path)


def table(results, skipped, levels):
    """One row a kernel: passed of all, for each level."""
    names = list(dict.fromkeys([case.kernel.name for case, _ in results] + list(skipped)))
    lines = [f"{'kernel':18}" + "".join(f"{level:>12}" for level in levels) + f"{'left out':>12}"]
    for name in names:
        row = f"{name:18}"
        for level in levels:
            ours = [problem for case, problem in results if case.kernel.name == name and case.level == level]
            row += f"{f'{ours.count(None)}/{len(ours)}':>12}"
        lines.append(row + f"{skipped.get(name, 0):>12}")
    return "\n".join(lines)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--npbench", metavar="DIR", help="run the originals from a checkout of NPBench instead")
    parser.add_argument("--npbench-scc22", metavar="DIR", help="a checkout of its branch scc22, for what main lacks")
    parser.add_argument("--optimize", action="append", help="a level or a recipe; may be repeated (default: all levels)")
    parser.add_argument("--preset", action="append", choices=common.PRESETS, help="a size preset instead of small sizes")
    parser.add_argument("--rename", type=int, metavar="SEED", help="renamed copies at random sizes")
    parser.add_argument("--rounds", type=int, default=2, help="with --rename: copies of each kernel (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the data")
    parser.add_argument("--threads", type=int, help="passed on to the program")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="calls at a time")
    parser.add_argument("--dry-run", action="store_true", help="NumPy's side only: count the cases, call nothing")
    options = parser.parse_args()
    options.optimize = options.optimize or list(LEVELS)
    return options


def choose_kernels(options):
    if not (options.npbench or options.npbench_scc22):
        return common.imported_samples(options.kernels)
    names = [kernel.name for kernel in common.samples(options.kernels)]
    return [common.npbench_original(name, options.npbench, options.npbench_scc22) for name in names]


def main():
    options = parse_options()
    program = None if options.dry_run else common.weft_path(options.weft)
    kernels = choose_kernels(options)
    results, skipped, counter = [], {}, itertools.count()
    with common.Scratch() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for kernel in kernels:
            made = renamed_cases(kernel, options, folder) if options.rename is not None else plain_cases(kernel, options)
            *cases, skipped[kernel.name] = made
            if options.dry_run:
                results += [(case, None) for case in cases]
                continue
            calls = [pool.submit(run_case, program, case, folder, next(counter)) for case in cases]
            for case, call in zip(cases, calls):
                problem = call.result()
                results.append((case, problem))
                if problem:
                    print(f"FAIL {kernel.name} ({case.label}, {case.level}): {problem}", flush=True)
    print(table(results, skipped, options.optimize))
    if options.dry_run:
        print(f"{len(results)} cases, nothing was called")
        return
    failed = sum(problem is not None for _, problem in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
