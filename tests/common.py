"""What the test scripts share: kernels, their inputs, calls of the program, comparison of results."""

import ast
import importlib.util
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

import numpy as np

try:
    import tomllib
except ImportError:  # Python 3.10 has no TOML reader of its own, but pip brings one
    from pip._vendor import tomli as tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLES = os.path.join(ROOT, "samples")
PRESETS = ("S", "M", "L", "paper")
# One more, where sizes depend on each other, so that small ones cannot be made up.
SMALL = "XS"


def weft_path(given=None):
    """The program under test; says what to do if it is not there."""
    path = given or os.environ.get("WEFT_BIN") or os.path.join(ROOT, "target", "debug", "weft")
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not there: build it first (make build), or name it with --weft or WEFT_BIN")
    return path


class Run:
    """The outcome of one call of the program."""

    def __init__(self, status, stdout, stderr, timed_out=False):
        self.status, self.stdout, self.stderr, self.timed_out = status, stdout, stderr, timed_out

    @property
    def panicked(self):
        return any(word in self.stderr for word in ("panicked at", "RUST_BACKTRACE", "stack overflow"))

    def complaint(self):
        """One line on why the call is not the success that was expected, or None."""
        if self.timed_out:
            return "took too long"
        if self.panicked:
            return "panicked: " + first_line_with(self.stderr, "panicked")
        if self.status != 0:
            return f"exit status {self.status}: " + first_line_with(self.stderr, "")
        return None


def first_line_with(text, word):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if word in line), lines[0] if lines else "(no message)")[:300]


# What would make NumPy's OpenBLAS slower or faster than the user's.
TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def weft(program, *arguments, timeout=120, env=None, cwd=None):
    """Runs the program to its end, or kills it after `timeout` seconds."""
    env = {**{k: v for k, v in os.environ.items() if k not in TUNING}, **(env or {})}
    process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=cwd, env=env)
    try:
        out, err = process.communicate(timeout=timeout)
        timed_out = False
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        timed_out = True
    return Run(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"), timed_out)


# ---- expressions of a spec ----

OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}


def evaluate(expression, symbols):
    """The value of a number or of an expression in the symbols, by the rules of samples/README.md."""
    if not isinstance(expression, str):
        return expression

    def value(node):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return node.value
        if isinstance(node, ast.Name) and node.id in symbols:
            return symbols[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        raise ValueError(f"not an expression of the spec: {expression}")

    return value(ast.parse(expression.strip(), mode="eval").body)


def integer(expression, symbols):
    """The value of an expression where only a whole number makes sense: an extent, a bound of integers."""
    value = evaluate(expression, symbols)
    if type(value) is not int:
        raise ValueError(f"not an integer: {expression}")
    return value


PYTHON_TYPES = {"int": int, "float": float, "complex": complex, "bool": bool}


def fill(kind, shape, dtype, rng, symbols):
    """An array as the `fill` of a spec asks for it."""
    name, *bounds = kind.split(":")

    def real():
        if name == "normal":
            return rng.normal(size=shape)
        low, high = (float(evaluate(bound, symbols)) for bound in bounds or "01")
        return rng.uniform(low, high, shape)

    if name in ("zeros", "ones"):
        data = getattr(np, name)(shape)
    elif name in ("uniform", "normal"):
        data = real() + 1j * real() if np.issubdtype(dtype, np.complexfloating) else real()
    elif name == "integers":
        low, high = (integer(bound, symbols) for bound in bounds)
        data = rng.integers(low, high, shape)
    elif name == "spd":
        part = rng.uniform(size=shape)
        data = (part + part.T) / 2 + len(part) * np.eye(len(part))
    elif name == "row_pointers":
        (last,) = (integer(bound, symbols) for bound in bounds)
        data = np.sort(rng.integers(0, last + 1, shape))
        data[-1:] = last
        data[:1] = 0
    else:
        raise ValueError(f"no such fill: {kind}")
    return np.asarray(data).astype(dtype)


# ---- kernels ----


def load_function(path, name):
    """The function of a Python file, imported under a module name of its own."""
    spec = importlib.util.spec_from_file_location("kernel_" + str(abs(hash((path, name)))), path)
    module = importlib.util.module_from_spec(spec)
    previous, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = previous
    return getattr(module, name)


class Kernel:
    """A function in a file, its size presets, and how to make its arguments."""

    def __init__(self, name, path, function, presets, make):
        self.name, self.path, self.function, self.presets, self._make = name, path, function, presets, make
        self.symbols = [symbol for symbol, value in presets["S"].items() if type(value) is int]

    @property
    def target(self):
        return f"{self.path}::{self.function}"

    def load(self):
        return load_function(self.path, self.function)

    def inputs(self, sizes, seed=0):
        """The arguments by name, in the order of the signature.

        Symbols that `sizes` lacks are those of the first preset; parameters with a default may be left out.
        """
        made = self._make({**self.presets["S"], **sizes}, np.random.default_rng(seed))
        parameters = inspect.signature(self.load()).parameters.values()
        return {p.name: made[p.name] for p in parameters if p.name in made or p.default is p.empty}


def sample(name):
    with open(os.path.join(SAMPLES, name + ".toml"), "rb") as file:
        spec = tomllib.load(file)

    def make(sizes, rng):
        made = {}
        for argument, entry in spec["args"].items():
            if "value" in entry:
                kind = PYTHON_TYPES.get(entry["type"]) or np.dtype(entry["type"]).type
                value = integer if issubclass(kind, (int, np.integer)) and kind is not bool else evaluate
                made[argument] = kind(value(entry["value"], sizes))
            else:
                shape = tuple(integer(extent, sizes) for extent in entry["shape"])
                made[argument] = fill(entry.get("fill", "uniform"), shape, entry["type"], rng, sizes)
        return made

    return Kernel(name, os.path.join(SAMPLES, name + ".py"), spec["function"]["name"], spec["sizes"], make)


def samples(names=None):
    """The samples, by name; all of them without names."""
    every = sorted(entry[:-5] for entry in os.listdir(SAMPLES) if entry.endswith(".toml"))
    unknown = set(names or ()) - set(every)
    if unknown:
        sys.exit(f"no such sample: {', '.join(sorted(unknown))}")
    return [sample(name) for name in every if not names or name in names]


# Samples that the suites leave out, each with the reason: what is not imported yet, or not comparable.
LEFT_OUT = {
    "covariance2": "refused for one row: np.cov without dimensions",
    "nbody": "forces at small distances magnify the last digit beyond the tolerance",
}


def imported_samples(names=None):
    """As `samples`; without names, those that are not left out."""
    return [kernel for kernel in samples(names) if names or kernel.name not in LEFT_OUT]


def core_samples(names=None):
    """As `samples`; without names, those of `core_samples.txt`: what interpreters and DaCe run in seconds."""
    with open(os.path.join(ROOT, "tests", "core_samples.txt")) as file:
        core = file.read().split()
    return samples(names or core)


class SparseMatrix:
    """A random matrix in compressed row form, as far as NPBench asks SciPy for one."""

    def __init__(self, rows, columns, density, format, dtype, random_state):
        places = np.sort(random_state.choice(rows * columns, round(density * rows * columns), replace=False))
        self.indptr = np.searchsorted(places, np.arange(rows + 1) * columns)
        self.indices = places % columns
        self.data = random_state.random(len(places)).astype(dtype)


def stand_in_for_scipy():
    """Lets NPBench's `initialize` functions run where SciPy is not installed."""
    if "scipy" not in sys.modules and importlib.util.find_spec("scipy") is None:
        sparse = types.ModuleType("scipy.sparse")
        sparse.random = SparseMatrix
        sys.modules["scipy"] = types.ModuleType("scipy")
        sys.modules["scipy.sparse"] = sparse


def npbench(root, names):
    """Those of the named kernels that a checkout of NPBench has, with its own sizes and data."""
    return [npbench_kernel(root, name) for name in names if os.path.exists(bench_info(root, name))]


def npbench_original(name, *roots):
    """A kernel from the first checkout that has it; without one, this is the end."""
    for root in filter(None, roots):
        for kernel in npbench(root, [name]):
            return kernel
    sys.exit(f"not in these checkouts: {name}")


def bench_info(root, name):
    return os.path.join(root, "bench_info", name + ".json")


def npbench_kernel(root, name):
    with open(bench_info(root, name)) as file:
        info = json.load(file)["benchmark"]
    folder = os.path.join(root, "npbench", "benchmarks", *info["relative_path"].split("/"))
    path = os.path.join(folder, info["module_name"] + "_numpy.py")

    def make(sizes, rng):
        made = dict(sizes)
        if "init" in info:
            if name == "gramschmidt" and sizes["M"] < sizes["N"]:
                raise ValueError("initialize() looks for independent columns and would never end")
            stand_in_for_scipy()
            initialize = load_function(os.path.join(folder, info["module_name"] + ".py"), info["init"]["func_name"])
            found = initialize(*(sizes[argument] for argument in info["init"]["input_args"]))
            outputs = info["init"]["output_args"]
            made.update(zip(outputs, found if len(outputs) > 1 else [found]))
        # NPBench passes by position, and its names are not always those of the function.
        parameters = inspect.signature(load_function(path, info["func_name"])).parameters
        return {parameter: made[given] for parameter, given in zip(parameters, info["input_args"])}

    return Kernel(name, path, info["func_name"], info["parameters"], make)


# ---- data on disk ----


def save_inputs(path, inputs):
    np.savez(path, **{name: np.asanyarray(value) for name, value in inputs.items()})


def as_argument(entry):
    """What the program passes for an entry of IN.npz: an array, or the scalar of a 0-d entry.

    0-d int64, float64, complex128 and bool are Python's own scalars, narrower ones are NumPy's.
    """
    if entry.ndim > 0:
        return entry.copy(order="K")
    return entry.item() if entry.dtype in (np.int64, np.float64, np.complex128, np.bool_) else entry[()]


def reference(function, inputs):
    """What OUT.npz should hold: array parameters after the call, and what the function returns.

    `inputs` are left as they are. Raises what the function raises.
    """
    arguments = {name: as_argument(np.asanyarray(value)) for name, value in inputs.items()}
    with np.errstate(all="ignore"):
        returned = function(*arguments.values())
    expected = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    if returned is not None:
        results = returned if isinstance(returned, tuple) else (returned,)
        expected.update({f"return_{i}": np.asanyarray(value) for i, value in enumerate(results)})
    return expected


# ---- comparison ----

RELATIVE = {"f2": 1e-2, "f4": 1e-4, "f8": 1e-10, "c8": 1e-4, "c16": 1e-10}
# The absolute tolerance is this part of the relative one, times the largest value of the array.
ABSOLUTE_PART = 1e-2


def difference(expected, got):
    """One line on how two arrays differ, or None if they count as equal.

    dtype, shape, integers, places of NaN and infinities must be the same; other values within the
    relative tolerance of their type, or an absolute one that is scaled to the array.
    """
    if expected.dtype != got.dtype:
        return f"dtype {got.dtype}, expected {expected.dtype}"
    if expected.shape != got.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    relative = RELATIVE.get(expected.dtype.str[1:])
    if relative is None:
        wrong = expected != got
    else:
        if not np.array_equal(np.isnan(expected), np.isnan(got)):
            return "NaN in other places"
        finite = np.isfinite(expected)
        scale = np.max(np.abs(expected[finite]), initial=0.0)
        with np.errstate(all="ignore"):
            near = np.abs(got - expected) <= relative * (np.abs(expected) + ABSOLUTE_PART * scale)
        wrong = np.where(finite, ~near, (expected != got) & ~np.isnan(expected))
    if not np.any(wrong):
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{np.count_nonzero(wrong)} of {expected.size} differ, first at {list(first)}: " \
           f"{got[first]!r}, expected {expected[first]!r}"


def compare(expected, path):
    """One line on how OUT.npz at `path` differs from the expected arrays, or None."""
    try:
        with np.load(path) as file:
            got = dict(file)
    except Exception as error:  # whatever NumPy says about a file that it cannot read
        return f"the output cannot be read: {error}"
    return difference_of_all(expected, got)


def difference_of_all(expected, got):
    """One line on how arrays by name differ, or None."""
    if set(got) != set(expected):
        return f"entries {sorted(got)}, expected {sorted(expected)}"
    for name, value in expected.items():
        problem = difference(value, got[name])
        if problem:
            return f"{name}: {problem}"
    return None


def run_tests(module="__main__"):
    """Runs the unittest cases of a script and ends with the line of totals that scripts/test reads."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    # A method fails once, however many of its subtests do.
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    sys.exit(failed > 0)


class Scratch:
    """A folder for the files of a test, gone at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="weft-test-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
