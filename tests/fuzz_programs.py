"""Makes random NumPy programs for fuzz.py.

A program is grown statement by statement, and each statement is run as it is added: what NumPy refuses,
what is undefined (a float that no integer holds) and what grows without bound is taken back. Beside it runs
the same program with the rounding of every result disturbed; a statement after which the two differ by more
than a tenth of the tolerance (a cancellation, a comparison of rounded values) is taken back as well. So all
that is left can be compared.

Half of the statements come from the examples of numpy_examples.py, with the program's own variables in the
place of theirs; the others are made here.
"""

import ast
import random
import re
import types
import warnings

import numpy as np

import common
import numpy_examples

TYPES = numpy_examples.TYPES
# A statement whose results depend on the order in which infinities meet is taken back.
FINITE_ONLY = re.compile(r"fft|linalg|dot|matmul|@|einsum|inner|outer|tensor|conv|corr|cov|interp|poly|kron|cross|"
                         r"gradient|unwrap|histogram|quantile|percentile|median|average|std|var|trapezoid|linspace")
MOST_ELEMENTS, MOST_ARGUMENTS, LARGEST, SMALLEST = 400, 9, 1e6, 1e-6
ONE_D, TWO_D = set("abpquvrsVdeco"), set("ABFSDPHLWEO")


def stable_argsort(array, axis=-1, kind=None, **_):
    return np.argsort(array, axis=axis, kind="stable")


def other_eigh(a, *rest, **named):
    """Eigenvectors have any sign."""
    values, vectors = np.linalg.eigh(a, *rest, **named)
    return values, -vectors


def other_svd(a, full_matrices=True, compute_uv=True, **named):
    parts = np.linalg.svd(a, full_matrices, compute_uv, **named)
    return (-parts[0], parts[1], -parts[2]) if compute_uv else parts


def other_qr(a, mode="reduced"):
    parts = np.linalg.qr(a, mode)
    return (-parts[0], -parts[1]) if mode in ("reduced", "complete") else -parts if mode == "r" else parts


class Coarse:
    """A ufunc whose results of single precision, of narrow integers for instance, are rounded otherwise."""

    def __init__(self, ufunc):
        self.ufunc = ufunc

    def __call__(self, *args, **named):
        result = self.ufunc(*args, **named)
        if getattr(result, "dtype", None) in (np.float32, np.complex64) and "out" not in named:
            return disturb(result, np.random.default_rng(result.size))
        return result

    def __getattr__(self, name):
        return getattr(self.ufunc, name)


INEXACT = ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
           "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "sqrt", "hypot", "arctan2", "logaddexp",
           "power", "float_power", "divide", "reciprocal")


FOURIER = tuple(f"{kind}fft{n}" for kind in ("", "i", "r", "ir") for n in ("", "2", "n"))


def noisy(function):
    """Sums of large parts: what should be zero is as large as their rounding."""
    def other(*args, **named):
        result = function(*args, **named)
        size = np.max(np.abs(result[np.isfinite(result)]), initial=0.0)
        noise = np.random.default_rng(result.size).uniform(-1, 1, result.shape)
        return (result + 4 * np.finfo(result.dtype).eps * size * noise).astype(result.dtype)
    return other


def disturbed_numpy():
    """NumPy for the second run: where the order of equal values is not defined, it is another one."""
    module = types.ModuleType("numpy")
    module.__dict__.update(np.__dict__)
    for name in INEXACT:
        setattr(module, name, Coarse(getattr(np, name)))
    module.fft = types.ModuleType("numpy.fft")
    module.fft.__dict__.update(np.fft.__dict__)
    for name in FOURIER:
        setattr(module.fft, name, noisy(getattr(np.fft, name)))
    module.argsort = stable_argsort
    module.linalg = types.ModuleType("numpy.linalg")
    module.linalg.__dict__.update(np.linalg.__dict__)
    for name in ("cholesky", "inv", "solve"):
        setattr(module.linalg, name, noisy(getattr(np.linalg, name)))
    module.linalg.eigh, module.linalg.svd, module.linalg.qr = other_eigh, other_svd, other_qr
    return module


OTHER_NUMPY = disturbed_numpy()


class Rejected(Exception):
    """NumPy does not run it, or its result cannot be compared."""


class Program:
    """Arguments, helper functions, statements (each one or more lines), names that are returned."""

    def __init__(self):
        self.arguments, self.helpers, self.statements, self.returns = {}, [], [], []

    def helper_text(self):
        return "".join(text + "\n\n" for text in self.helpers)

    def source(self):
        body = "".join("    " + line + "\n" for s in self.statements for line in s.split("\n"))
        returned = ", ".join(self.returns) + ("," if len(self.returns) == 1 else "")
        body += f"    return ({returned})\n" if self.returns else "" if body else "    pass\n"
        return (f"import cmath\nimport math\n\nimport numpy as np\n\n\n{self.helper_text()}"
                f"def kernel({', '.join(self.arguments)}):\n{body}")


# ---- values ----


def make_array(rng, shape, dtype, special):
    kind = dtype.kind
    made = numpy_examples.values(shape, kind, rng, -40, 40).astype(dtype)
    if special and made.size:
        flat = made.reshape(-1)
        for value in numpy_examples.special(dtype)[rng.integers(0, 9, 2)]:
            flat[rng.integers(0, flat.size)] = value
    return made


def is_exact(value):
    """No rounding has happened: multiples of 2^-12 that are not large."""
    parts = (value.real, value.imag) if value.dtype.kind == "c" else (value,)
    for part in parts:
        part = part[np.isfinite(part)].astype(np.float64)
        if part.size and not (np.all(np.abs(part) < 2**20) and np.all(part * 4096 == np.rint(part * 4096))):
            return False
    return True


def disturb(value, rng, coarse=None):
    """The value with another rounding, that of the type `coarse` if given; in place where it is an array."""
    if not isinstance(value, (np.ndarray, np.floating, np.complexfloating, float, complex)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or array.size == 0 or is_exact(array):
        return value
    # A product, since an infinity stays one.
    factor = (1 + 8 * np.finfo(coarse or array.dtype).eps * rng.uniform(-1, 1, array.shape)).astype(array.real.dtype)
    if isinstance(value, np.ndarray) and value.ndim:
        if value.flags.writeable:
            value *= factor
        return value
    return type(value)(value * factor) if not isinstance(value, np.ndarray) else value * factor


def close(first, second):
    """The same dtype, shape and NaN, integers exact, floats within a tenth of the tolerance."""
    first, second = np.asanyarray(first), np.asanyarray(second)
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    relative = common.RELATIVE.get(first.dtype.str[1:])
    if relative is None:
        return np.array_equal(first, second)
    parts = [(first, second)] if first.dtype.kind == "f" else [(first.real, second.real), (first.imag, second.imag)]
    scale = np.max(np.abs(first[np.isfinite(first)]), initial=0.0)
    for one, other in parts:
        if not np.array_equal(np.isnan(one), np.isnan(other)):
            return False
        odd = ~np.isfinite(one)
        if not np.array_equal(one[odd & ~np.isnan(one)], other[odd & ~np.isnan(one)]):
            return False
        one, other = one[~odd], other[~odd]
        if np.any(np.abs(one - other) > 0.1 * relative * (np.abs(one) + common.ABSOLUTE_PART * scale)):
            return False
    return True


def check_value(value):
    """Rejects what Weft has no type for, what is large, and what comes close to the ends of the floats."""
    if value is None or isinstance(value, (str, list, types.FunctionType)):
        raise Rejected("no value")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**62:
        raise Rejected("a large Python integer")
    array = np.asanyarray(value)
    if array.dtype.kind not in "biufc" or array.dtype in (np.longdouble, np.clongdouble):
        raise Rejected("no element type of Weft")
    if array.size > MOST_ELEMENTS or array.ndim > 5:
        raise Rejected("large")
    if array.dtype.kind in "fc":
        size = np.abs(array[np.isfinite(array)]).astype(np.float64)
        if size.size and (size.max() > LARGEST or np.any((size > 0) & (size < SMALLEST))):
            raise Rejected("large or small values")


def bits(value):
    return np.asanyarray(value).dtype.itemsize


# ---- growing ----


class Grower:
    """A program, and the values of its variables after the statements so far: exactly and disturbed."""

    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.program = Program()
        self.fresh = 0
        self.used = []
        usual = self.pick.random() < 0.5
        some = [0, 1, 2, 3, 5, 6, 8, 9] if self.pick.random() < 0.3 else [1, 2, 3, 5, 6, 8]
        n, m, k, square = (7, 4, 5, 4) if usual else [self.pick.choice(some) for _ in range(4)]
        self.shapes = {1: (n,), 2: (m, k), 3: (2, 3, k), "square": (square, square), "S": (square,)}
        self.specials = self.pick.random() < 0.2
        few = self.pick.sample(TYPES, 3)
        self.few = [np.dtype(t) for t in few] + [np.dtype("f8"), np.dtype("f8")]
        self.reset()

    # -- state --

    def reset(self):
        """Runs all statements again from the start."""
        self.rng_state = np.random.default_rng(11)
        self.exact = self._scope(np)
        self.other = self._scope(OTHER_NUMPY)
        for statement in self.program.statements:
            self._execute(statement)

    def _scope(self, numpy):
        import cmath
        import math
        scope = {"np": numpy, "math": math, "cmath": cmath}
        for name, value in self.program.arguments.items():
            scope[name] = value.copy(order="K") if isinstance(value, np.ndarray) else value
        for helper in self.program.helpers:
            exec(helper, scope)
        return scope

    def names(self, scope=None):
        scope = scope or self.exact
        return [n for n in scope if n not in ("np", "math", "cmath", "__builtins__")
                and not isinstance(scope[n], types.FunctionType)]

    def _execute(self, statement):
        code = compile(statement, "statement", "exec")
        before = {name: id(value) for name, value in self.other.items()}
        with warnings.catch_warnings(record=True) as caught, \
                np.errstate(over="ignore", divide="ignore", under="ignore", invalid="warn"):
            warnings.simplefilter("always")
            exec(code, self.exact)
            undefined = any("cast" in str(w.message) or issubclass(w.category, DeprecationWarning) for w in caught)
        if undefined:
            raise Rejected("undefined")
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            exec(code, self.other)
            # A step of low precision in a statement is seen in its result of double precision.
            read = [v for n, v in self.exact.items() if re.search(rf"\b{n}\b", statement)]
            types = {getattr(v, "dtype", None) for v in read}
            coarse = np.float16 if np.dtype("f2") in types else np.float32 if types & {np.dtype("f4"), np.dtype("c8")} else None
            filled = re.findall(r"\bout=(\w+)", statement)
            if filled and types & {np.dtype("i2"), np.dtype("u2")}:
                # Functions of these are computed in single precision.
                coarse = coarse or np.float32
            for name in self.names(self.other):
                if name in filled or before.get(name) != id(self.other[name]):
                    self.other[name] = disturb(self.other[name], self.rng_state, coarse)

    def try_statement(self, statement, helper=None, check=()):
        """Adds a statement if NumPy runs it and its result can be compared."""
        if "argsort" in statement:
            statement = re.sub(r"(\w+)\.argsort\(\)", r"np.argsort(\1)", statement)
        self._before(statement + (helper or ""))
        try:
            if helper:
                for scope in (self.exact, self.other):
                    exec(helper, scope)
            self._execute(statement)
            read = {n.id for n in ast.walk(ast.parse(statement)) if isinstance(n, ast.Name)}
            for name in self.names():
                if name in read:
                    check_value(self.exact[name])
                if not close(self.exact[name], self.other[name]):
                    raise Rejected("sensitive")
        except Rejected:
            self.reset()
            raise
        except Exception as error:  # whatever NumPy says
            self.reset()
            raise Rejected(str(error)) from error
        if helper:
            self.program.helpers.append(helper)
        self.program.statements.append(statement)
        for node in ast.walk(ast.parse((helper or "") + "\n" + statement)):
            key = used_function(node)
            if key:
                self.used.append((key, self._type_of(node, statement)))

    def _before(self, statement):
        """Rejects what is not defined for the values at hand."""
        names = [n for n in self.names() if re.search(rf"\b{n}\b", statement)]
        values = [np.asanyarray(self.exact[n]) for n in names]
        finite = all(np.all(np.isfinite(v)) for v in values)
        if not finite and FINITE_ONLY.search(statement):
            raise Rejected("not finite")
        unsigned = any(v.dtype.kind == "u" for v in values) or "uint" in statement or "'u" in statement
        floats = [v for v in values if v.dtype.kind in "fc"]
        if unsigned and ("=" in statement or "astype" in statement) and \
                any(np.any(~(v.real >= 0)) or np.any(v.real > 200) for v in floats):
            raise Rejected("a negative float as an unsigned integer")

    def _type_of(self, node, statement):
        """The element type of the first variable below a node."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in self.exact and inner.id not in ("np", "math", "cmath"):
                value = self.exact[inner.id]
                if isinstance(value, (np.ndarray, np.generic)):
                    return value.dtype.name
        return "python"

    # -- variables --

    def new_name(self):
        self.fresh += 1
        return f"v{self.fresh}"

    def target(self):
        """A new name, or one that is bound anew."""
        old = [n for n in self.names() if n.startswith("v")]
        return self.pick.choice(old) if old and self.pick.random() < 0.2 else self.new_name()

    def variables(self, ndim=None, kinds="biufc", shape=None, dtypes=None):
        found = []
        for name in self.names():
            value = self.exact[name]
            if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
                continue
            if (ndim is None or value.ndim == ndim) and (shape is None or value.shape == shape) \
                    and (dtypes is None or value.dtype in dtypes):
                found.append(name)
        return found

    def argument(self, value):
        if len(self.program.arguments) >= MOST_ARGUMENTS:
            raise Rejected("enough arguments")
        name = f"a{len(self.program.arguments)}"
        self.program.arguments[name] = value
        for scope in (self.exact, self.other):
            scope[name] = value.copy(order="K") if isinstance(value, np.ndarray) else value
        return name

    def array(self, ndim=None, kinds="biufc", shape=None, dtypes=None):
        """A variable, or a new argument where there is none."""
        found = self.variables(ndim, kinds, shape, dtypes)
        if found and self.pick.random() < 0.9:
            # Newer ones more often, so that statements build on each other.
            return found[max(self.pick.randrange(len(found)), self.pick.randrange(len(found)))]
        allowed = [t for t in self.few if t.kind in kinds and (dtypes is None or t in dtypes)]
        allowed = allowed or [np.dtype(t) for t in TYPES if np.dtype(t).kind in kinds
                              and (dtypes is None or np.dtype(t) in dtypes)]
        if not allowed:
            raise Rejected("no such type")
        if shape is None:
            shape = self.shapes[ndim or self.pick.choice([1, 1, 2, 2, 3])]
        value = make_array(self.rng, shape, self.pick.choice(allowed), self.specials)
        if len(shape) > 1 and self.pick.random() < 0.1:
            value = np.asfortranarray(value)
        return self.argument(value)

    def number(self, kind):
        found = [n for n in self.names() if type(self.exact[n]) is kind]
        if found and self.pick.random() < 0.8:
            return self.pick.choice(found)
        value = {int: self.pick.randrange(0, 5), float: self.pick.randrange(-12, 12) / 8,
                 complex: complex(self.pick.randrange(-4, 4), 1.5)}[kind]
        return self.argument(value)


def used_function(node):
    """How the coverage names what this node of a statement uses, or None."""
    if isinstance(node, ast.Call):
        text = ast.unparse(node.func)
        if text.startswith(("np.", "math.", "cmath.")):
            return text
        if isinstance(node.func, ast.Attribute):
            return "." + node.func.attr
        return text if text in PYTHON else None
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return type(node.op).__name__ + ("=" if isinstance(node, ast.AugAssign) else "")
    if isinstance(node, ast.Compare):
        return type(node.ops[0]).__name__
    if isinstance(node, (ast.For, ast.While, ast.If, ast.IfExp, ast.Lambda, ast.ListComp, ast.Break, ast.Continue)):
        return type(node).__name__
    if isinstance(node, ast.Attribute) and node.attr in ("T", "real", "imag", "flat", "shape", "size", "ndim"):
        return "." + node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) \
            and ast.unparse(node.value) in ("np.mgrid", "np.ogrid", "np.r_", "np.c_"):
        return ast.unparse(node.value)
    if isinstance(node, ast.Subscript):
        return "[]=" if isinstance(node.ctx, ast.Store) else "[]"
    return None


PYTHON = {"int", "float", "bool", "complex", "abs", "min", "max", "sum", "len", "round", "pow", "divmod", "any", "all",
          "enumerate", "zip", "reversed", "range"}
