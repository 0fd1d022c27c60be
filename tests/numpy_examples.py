"""Tries every supported NumPy function on short kernels, over element types, axes, odd and empty shapes
and special values; what is expected is computed by NumPy, here and now.

    tests/numpy_examples.py                   all of it
    tests/numpy_examples.py cumsum argmax     these functions (a name without type groups, or a file)
    tests/numpy_examples.py -v cumsum         every case that fails, with the reason
    tests/numpy_examples.py --reasons         the refusals counted by reason
    tests/numpy_examples.py --all-types       all 13 element types where a line says `all`, `num`, ...

The examples are in tests/examples/*.txt. Names in them stand for arguments. Of the element type under test:
a, b: [7]; A, B: [4, 5]; F: A in Fortran order; T: [2, 3, 5]; S: [4, 4]; D: [4, 4] regular; P: positive
definite; H: Hermitian; L: [5, 3]; W: [3, 5]; V: [4]; e: [0]; E: [0, 3]; o: [1]; O: [1, 1]; p, q: [7]
positive; u, v: [7] in -1 .. 1 (floats); c: [6] ascending; r: [9] with repeated values; s: [9] special values
(NaN, infinities, the least and the largest integer, ...). Of fixed type: d: float64[7]; m, M: masks [7] and
[4, 5]; i: int64[4] in 0 .. 3, with a repeated one; j: int64[3], some negative; I: int64[2, 2]; n = 3, k = 2,
x = 0.5, y = -1.5, w = 1+2j are Python's.

A case is left out where NumPy raises, or warns of something undefined. A refusal counts as failed unless
tests/examples/refusals.txt has it (function, case, element types and reason between tabs; `--known` writes it
anew), and so does a case there that is refused no longer.
"""

import argparse
import ast
import collections
import os
import sys
import time
import warnings

import numpy as np

import batch as runner
import common

FOLDER = os.path.join(common.ROOT, "tests", "examples")
FILES = ("functions", "ufuncs", "reductions", "linalg", "indexing", "python")
TYPES = ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16")
# What is tried by default; --all-types tries what stands for more.
USUAL = ("bool", "i4", "i8", "u1", "f4", "f8", "c16")
KINDS = {"all": "biufc", "num": "iufc", "real": "biuf", "int": "iu", "uint": "u", "float": "f", "flc": "fc",
         "complex": "c", "bool": "b"}
FIXED = {"n": 3, "k": 2, "x": 0.5, "y": -1.5, "w": 1 + 2j}


def group(word, every):
    """The element types that a word of a header stands for."""
    if word == "none":
        return ["none"]
    if word in TYPES:
        return [word]
    usual = TYPES if every else USUAL if word not in ("complex", "uint") else ("u1", "u4", "c8", "c16")
    return [t for t in usual if np.dtype(t).kind in KINDS[word]]


class Example:
    def __init__(self, function, body, types, is_block):
        self.function, self.body, self.types, self.is_block = function, body, types, is_block
        self.label = body[0] if len(body) == 1 else " / ".join(body)

    def source(self):
        lines = list(self.body)
        if not self.is_block:
            parts = lines[0].split(" ; ")
            lines = parts[:-1] + ["return " + parts[-1]]
        text = "".join(f"    {line}\n" for line in lines)
        read = names_of(text)
        used = [name for name in NAMES if name in read]
        return used, f"import cmath\nimport math\nimport numpy as np\n\n\ndef f({', '.join(used)}):\n{text}"


def names_of(text):
    """Names that are read before they are set, by the order of the text: those that must be arguments."""
    tree = ast.parse("def f():\n" + text)
    nodes = list(ast.walk(tree))
    local, ends, augmented = set(), {}, set()
    for node in nodes:
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            names = {a.arg for a in node.args.args + node.args.kwonlyargs}
            local |= {n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
        elif isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            names = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
            local |= {n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
        elif isinstance(node, ast.Assign):
            # A store takes effect after the reads of its own statement.
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    ends[name] = (node.end_lineno, node.end_col_offset)
        elif isinstance(node, ast.AugAssign):
            augmented.add(node.target)
    first = {}
    names = [n for n in nodes if isinstance(n, ast.Name) and n not in local]
    for node in sorted(names, key=lambda n: ends.get(n, (n.lineno, n.col_offset))):
        first.setdefault(node.id, node)
    return {name for name, node in first.items() if isinstance(node.ctx, ast.Load) or node in augmented}


def read(every):
    """All examples, in the order of the files."""
    examples = []
    for stem in FILES:
        path = os.path.join(FOLDER, stem + ".txt")
        if not os.path.exists(path):
            continue
        function, types, block = None, None, []

        def close():
            if block:
                examples.append(Example(function, list(block), types, True))
                block.clear()

        with open(path) as file:
            for line in file:
                line = line.rstrip("\n")
                if line.startswith("|"):
                    text = line[2:]
                    # A new function begins after a `return` at the outermost level.
                    block.append(text)
                    if text.startswith("return"):
                        close()
                    continue
                close()
                if not line.strip() or line.startswith("#"):
                    continue
                if line.startswith("["):
                    function, words = line[1:].split("]")
                    types = list(dict.fromkeys(t for word in words.split() for t in group(word, every)))
                    continue
                examples.append(Example(function, [line.strip()], types, False))
            close()
    return examples


# ---- inputs ----


def values(shape, kind, rng, low=-40, high=40):
    """Multiples of 1/8 that sums keep exactly, or small integers."""
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind == "u":
        return rng.integers(0, 9, shape)
    if kind == "i":
        return rng.integers(-5, 9, shape)
    data = rng.integers(low, high, shape) / 8
    return data if kind == "f" else data + 1j * rng.integers(low, high, shape) / 8


def special(dtype):
    if dtype.kind == "b":
        return np.array([True, False, True, True, False, False, True, False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.array([info.min, info.max, 0, 1, info.max - 1, info.min + 1, 5, info.max // 2, 100], dtype)
    real = np.array([np.nan, np.inf, 0.0, 1.5, -np.inf, -0.0, -2.5, np.nan, 3.0], dtype.type(0).real.dtype)
    if dtype.kind == "f":
        return real
    result = np.zeros(9, dtype)
    result.real = real
    result.imag = [0.0, 1.0, np.nan, 0.0, 2.0, -0.0, np.inf, np.nan, -4.0]
    return result


def inputs(word):
    """All inputs by name, for one element type."""
    rng = np.random.default_rng(7)
    made = {}
    dtype = np.dtype("f8" if word == "none" else word)
    kind = dtype.kind
    shapes = {"a": (7,), "b": (7,), "A": (4, 5), "B": (4, 5), "T": (2, 3, 5), "S": (4, 4), "L": (5, 3), "W": (3, 5),
              "V": (4,), "e": (0,), "E": (0, 3), "o": (1,), "O": (1, 1)}
    for name, shape in shapes.items():
        made[name] = values(shape, kind, rng).astype(dtype)
    made["F"] = np.asfortranarray(values((4, 5), kind, rng).astype(dtype))
    made["D"] = (values((4, 4), kind, rng) + 9 * np.eye(4)).astype(dtype)
    square = values((4, 4), kind, rng)
    made["P"] = (square @ square.conj().T / 4 + 4 * np.eye(4)).astype(dtype)
    made["H"] = (made["S"] + made["S"].conj().T).astype(dtype)
    for name in "pq":
        made[name] = (rng.integers(1, 5, 7) if kind in "iu" else np.abs(values(7, kind, rng, 1, 24))).astype(dtype)
        if kind == "c":
            made[name] = (made[name] + 1j * rng.integers(-8, 9, 7) / 8).astype(dtype)
    for name in "uv":
        made[name] = values(7, kind, rng, -7, 8).astype(dtype)
        if kind == "i":
            made[name] = rng.integers(-1, 2, 7).astype(dtype)
        if kind == "u":
            made[name] = rng.integers(0, 2, 7).astype(dtype)
    made["c"] = np.sort(np.array([0, 1, 1, 3, 4, 6]) if kind != "f" else np.array([-2, -1.5, 0, 0.5, 2, 4])).astype(dtype)
    made["r"] = np.array([3, 1, 3, 2, 1, 3, 0, 2, 1]).astype(dtype)
    made["s"] = special(dtype)
    made["d"] = rng.integers(-20, 20, 7) / 8
    made["m"] = np.array([True, False, True, True, False, False, True])
    made["M"] = rng.integers(0, 2, (4, 5)).astype(bool)
    made["i"] = np.array([3, 0, 2, 2])
    made["j"] = np.array([-1, 0, 2])
    made["I"] = np.array([[0, 1], [3, 2]])
    return {**made, **FIXED}


NAMES = tuple(inputs("f8"))


# ---- one case ----

def expected_of(source, arguments):
    """What NumPy has; None where it raises or warns of something undefined. And why."""
    scope = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(source, "example", "exec"), scope)
            found = common.reference(scope["f"], arguments)
        except Exception as error:  # whatever NumPy says
            return None, f"{type(error).__name__}: {error}"
    flat = {}
    for name, value in found.items():
        if value.dtype.kind not in "biufc" or value.dtype.itemsize * 8 not in (8, 16, 32, 64, 128) \
                or value.dtype == np.longdouble:
            return None, f"a result of type {value.dtype}"
        flat[name] = value
    return flat, None


def cast_is_undefined(source, arguments):
    """Whether NumPy warns of a float that no integer holds."""
    scope = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(source, "example", "exec"), scope)
        copies = [common.as_argument(np.asanyarray(v)) for v in arguments.values()]
        scope["f"](*copies)
    return any("cast" in str(w.message) for w in caught)


class Case:
    def __init__(self, example, word, every_input):
        self.example, self.word = example, word
        used, self.source = example.source()
        self.arguments = {name: every_input[name] for name in used}
        self.expected, self.why = expected_of(self.source, self.arguments)
        if self.expected is not None and cast_is_undefined(self.source, self.arguments):
            self.expected, self.why = None, "undefined cast"
        self.verdict, self.message = None, ""


def refusals():
    """Known refusals: (function, case, element type)."""
    path = os.path.join(FOLDER, "refusals.txt")
    known = set()
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                function, label, types, _ = line.rstrip("\n").split("\t")
                known.update((function, label, word) for word in types.split())
    return known


def write_refusals(cases):
    refused = collections.defaultdict(list)
    for case in cases:
        if case.verdict == runner.REFUSED:
            key = (case.example.function, case.example.label, runner.reason_of(case.message))
            refused[key].append(case.word)
    with open(os.path.join(FOLDER, "refusals.txt"), "w") as file:
        for (function, label, reason), words in refused.items():
            file.write("\t".join((function, label, " ".join(words), reason)) + "\n")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="only these")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--optimize", default="none", help="none, simplify or auto (default: none)")
    parser.add_argument("--types", nargs="*", help="only these element types, such as f8 c16")
    parser.add_argument("--all-types", action="store_true", help="all 13 element types")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", "-v", action="store_true", help="print every case that fails")
    parser.add_argument("--reasons", action="store_true", help="count refusals by reason")
    parser.add_argument("--known", action="store_true", help="write refusals.txt anew")
    parser.add_argument("--dry-run", action="store_true", help="NumPy's side only; print examples that it never runs")
    return parser.parse_args()


def choose(options):
    examples = read(options.all_types)
    wanted = set(options.functions)
    if wanted:
        names = {e.function for e in examples}
        unknown = {w for w in wanted if not any(w in (n, n.split(".")[-1]) for n in names)}
        # A function that shares an entry with another: `cos` is tried under `sin`.
        examples = [e for e in examples if e.function in wanted or e.function.split(".")[-1] in wanted
                    or any(f".{w}(" in e.label for w in unknown)]
        if not examples:
            sys.exit(f"no examples of {', '.join(sorted(wanted))}")
    return examples


def cases_of(examples, options):
    every = {word: inputs(word) for word in (*TYPES, "none")}
    cases, dead = [], []
    for example in examples:
        made = [Case(example, word, every[word]) for word in example.types
                if not options.types or word in options.types or word == "none"]
        cases += [case for case in made if case.expected is not None]
        if made and all(case.expected is None for case in made):
            dead.append((example, made[0].why))
    return cases, dead


def table(cases):
    lines = [f"{'function':20}{'right':>7}{'refused':>9}{'wrong':>7}{'other':>7}"]
    by_function = collections.defaultdict(collections.Counter)
    for case in cases:
        by_function[case.example.function][case.verdict] += 1
    for name, counts in by_function.items():
        other = counts[runner.CRASHED] + counts[runner.HUNG]
        lines.append(f"{name:20}{counts[runner.RIGHT]:7}{counts[runner.REFUSED]:9}{counts[runner.WRONG]:7}{other:7}")
    return "\n".join(lines)


def main():
    options = parse_options()
    sys.setrecursionlimit(10000)
    cases, dead = cases_of(choose(options), options)
    for example, why in dead:
        print(f"NumPy itself never runs [{example.function}] {example.label}: {why}")
    if options.dry_run:
        print(f"{len(cases)} cases, nothing was called")
        return
    program = common.weft_path(options.weft)
    start = time.monotonic()

    def work(batch, case):
        case.verdict, case.message = runner.judge(batch, case.source, "f", case.arguments, case.expected,
                                                  options.optimize)

    runner.spread(options.jobs, program, cases, work)
    known = refusals()
    failed = 0
    reasons = collections.Counter()
    for case in cases:
        is_known = (case.example.function, case.example.label, case.word) in known
        if case.verdict == runner.RIGHT and is_known and not options.known:
            failed += 1
            print(f"NO LONGER REFUSED [{case.example.function}] {case.word}: {case.example.label}")
        if case.verdict == runner.RIGHT:
            continue
        if case.verdict == runner.REFUSED:
            reasons[runner.reason_of(case.message)] += 1
            if is_known or options.known:
                continue
        failed += 1
        if options.verbose or case.verdict != runner.REFUSED:
            message = case.message.strip() if options.verbose else case.message.strip().split("\n")[0]
            print(f"{case.verdict.upper()} [{case.example.function}] {case.word}: {case.example.label}: {message}")
    if options.known:
        write_refusals(cases)
    print(table(cases))
    if options.reasons:
        for reason, count in reasons.most_common():
            print(f"{count:6}  {reason}")
    totals = collections.Counter(case.verdict for case in cases)
    print(", ".join(f"{totals[v]} {v}" for v in runner.VERDICTS) + f" in {time.monotonic() - start:.0f} s")
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
