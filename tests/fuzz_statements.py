"""The statements of the random programs of fuzz.py: each function adds one, or raises Rejected."""

import ast
import re
import sys

import numpy as np

import numpy_examples
from fuzz_programs import Grower, ONE_D, Rejected, TWO_D, used_function

# Not among what the front end promises; `tests/fuzz.py --extra` tries these too.
EXTRA = re.compile(
    r"vectorize|frombuffer|np\.empty|tolist|\.view\(|i0|sinc|unwrap|eig\(|eigvals\(|pinv|matrix_rank|cond\(|multi_dot|"
    r"svdvals|linalg\.(outer|cross|trace|matmul|diagonal|matrix_norm|vector_norm|vecdot)|vecdot|np\.cov|corrcoef|"
    r"trapezoid|polyder|polyint|polyadd|polymul|polyfit|np\.poly\(|np\.nan(?!_to_num|\b)|logspace|geomspace|vander|diagflat|"
    r"fill_diagonal|u_indices|l_indices|ix_|np\.r_|np\.c_|resize|trim_zeros|_along_axis|putmask|np\.place|insert|delete|"
    r"isin|in1d|union1d|intersect1d|setdiff1d|setxor1d|piecewise|choose|histogramdd|histogram_bin|rollaxis|dsplit|"
    r"unravel_index|ravel_multi|hfft|rfft2|rfftn|lexsort|partition|array_equiv|float16|frexp|spacing|slogdet|"
    r"'nuc'|math\.(comb|lcm|dist|fsum|prod|perm|remainder|isqrt)|dtype ==|result_type|mode='(clip|wrap|lower|nearest)'|"
    r"NaN|as_integer|real_if_close|iscomplexobj|isrealobj|cumulative_sum|np\.astype|mode='symmetric'|L\)\[0\]\.shape")
EXAMPLES = [e for e in numpy_examples.read(True) if "--extra" in sys.argv or not EXTRA.search(e.label)]
BY_FUNCTION = {}
for _example in EXAMPLES:
    BY_FUNCTION.setdefault(_example.function, []).append(_example)
# As BY_FUNCTION, by everything that an example calls: each of them comes up as often as the others.
BY_USE = {}
for _example in EXAMPLES:
    try:
        _nodes = list(ast.walk(ast.parse(_example.source()[1])))
    except SyntaxError:
        continue
    for _name in sorted({used_function(node) for node in _nodes} - {None}):
        BY_USE.setdefault(_name, []).append(_example)
# Their result is one of several right ones.
AMBIGUOUS = re.compile(r"svd|\bqr\b|eig|linalg.det\(D - D|lstsq|matrix_rank|pinv")


# ---- from the examples ----


def bind(g, used, dtypes):
    """Variables of the program for the names of an example."""
    bound, shape_of = {}, {}
    for name in used:
        if name in "nk":
            bound[name] = g.number(int)
        elif name in "xy":
            bound[name] = g.number(float)
        elif name == "w":
            bound[name] = g.number(complex)
        elif name in "ij":
            bound[name] = index_array(g, name == "j")
        elif name == "I":
            bound[name] = index_array(g, False, 2)
        elif name == "m":
            bound[name] = g.array(1, "b", shape_of.get(1))
        elif name == "M":
            bound[name] = g.array(2, "b", shape_of.get(2))
        elif name == "d":
            bound[name] = g.array(1, "f", shape_of.get(1), [np.dtype("f8")])
        elif name in "DP":
            bound[name] = regular(g, dtypes)
        elif name in "SH":
            bound[name] = square(g, dtypes, name == "H")
        elif name == "V":
            bound[name] = g.array(1, shape=shape_of.get("square", g.shapes["S"])[:1], dtypes=dtypes)
        elif name == "c":
            bound[name] = f"np.sort({g.array(1, dtypes=dtypes)})"
        elif name in ONE_D:
            bound[name] = g.array(1, shape=None if name in "ers" else shape_of.get(1), dtypes=dtypes)
        elif name in TWO_D:
            bound[name] = g.array(2, shape=None if name in "LWEO" else shape_of.get(2), dtypes=dtypes)
        elif name == "T":
            bound[name] = g.array(3, dtypes=dtypes)
        value = g.exact.get(bound[name])
        if isinstance(value, np.ndarray):
            if name in "abpquvmd":
                shape_of.setdefault(1, value.shape)
            elif name in "ABFM":
                shape_of.setdefault(2, value.shape)
            elif name in "SDPH":
                shape_of.setdefault("square", value.shape)
    return bound


def index_array(g, negative, ndim=1):
    found = [n for n in g.variables(ndim, "i") if g.exact[n].dtype == np.int64 and g.exact[n].size
             and np.abs(g.exact[n]).max() < 4]
    if found and g.pick.random() < 0.8:
        return g.pick.choice(found)
    low = -2 if negative else 0
    value = g.rng.integers(low, 3, (g.pick.randrange(1, 5),) if ndim == 1 else (2, 2))
    return g.argument(value)


def regular(g, dtypes):
    """A matrix with a small condition number."""
    found = [n for n in g.variables(2, "fc", dtypes=dtypes) if is_regular(g.exact[n])]
    if found and g.pick.random() < 0.8:
        return g.pick.choice(found)
    size = g.shapes["square"][0]
    if dtypes is not None and not [t for t in dtypes if t.kind in "fc"]:
        raise Rejected("floats only")
    dtype = g.pick.choice([np.dtype(t) for t in ("f8", "f8", "f4", "c16", "c8") if dtypes is None or t in dtypes])
    part = numpy_examples.values((size, size), dtype.kind, g.rng, -8, 8)
    return g.argument((part + part.conj().T + 8 * np.eye(size)).astype(dtype))


def is_regular(value):
    if value.shape[0] != value.shape[1] or not np.all(np.isfinite(value)) or value.shape[0] == 0:
        return False
    return np.linalg.cond(value.astype(np.complex128)) < 50


def square(g, dtypes, hermitian):
    found = [n for n in g.variables(2, dtypes=dtypes) if g.exact[n].shape[0] == g.exact[n].shape[1]
             and (not hermitian or np.array_equal(g.exact[n], g.exact[n].conj().T))]
    if found and g.pick.random() < 0.9:
        return g.pick.choice(found)
    if hermitian:
        return regular(g, dtypes)
    return g.array(2, shape=g.shapes["square"], dtypes=dtypes)


def example(g):
    """A statement from the examples; a block becomes a helper function."""
    groups = BY_FUNCTION if g.pick.random() < 0.5 else BY_USE
    chosen = g.pick.choice(groups[g.pick.choice(list(groups))])
    if AMBIGUOUS.search(chosen.label) and not re.search(r" [DPH]\b|\([DPH]\b", chosen.label):
        raise Rejected("ambiguous")
    used, source = chosen.source()
    dtypes = None if chosen.types == ["none"] else [np.dtype(t) for t in chosen.types]
    bound = bind(g, used, dtypes)
    if "searchsorted(e" in chosen.label:
        bound["e"] = f"np.sort({bound['e']})"
    if chosen.is_block or g.pick.random() < 0.15:
        name = f"h{len(g.program.helpers)}"
        helper = source[source.index("def f("):].rstrip("\n").replace("def f(", f"def {name}(", 1)
        value = f"{name}({', '.join(bound[n] for n in used)})"
        return assign(g, value, helper)
    *first, last = chosen.body[0].split(" ; ")
    renaming = dict(bound)
    for line in first:
        for node in ast.walk(ast.parse(line)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in renaming:
                renaming[node.id] = g.new_name()
    lines = [rename(line, renaming) for line in (*first, last)]
    if first and lines[-1] in g.exact:
        return g.try_statement("\n".join(lines[:-1]))
    return assign(g, lines[-1], before=lines[:-1])


def rename(text, renaming):
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            new = renaming.get(node.id)
            if new:
                node.id = new
    return ast.unparse(tree)


def assign(g, value, helper=None, before=()):
    """`name = value`; a tuple is unpacked."""
    scope = dict(g.exact)
    count = None
    try:
        if not before and helper is None:
            with np.errstate(all="ignore"):
                copied = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in scope.items()}
                result = eval(value, copied)
                count = len(result) if isinstance(result, tuple) else None
                if isinstance(result, list):
                    raise Rejected("a list")
        elif helper is not None:
            with np.errstate(all="ignore"):
                copied = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in scope.items()}
                exec(helper, copied)
                result = eval(value, copied)
                count = len(result) if isinstance(result, tuple) else None
    except Rejected:
        raise
    except Exception as error:  # whatever NumPy says
        raise Rejected(str(error)) from error
    if count is not None:
        left = ", ".join(g.new_name() for _ in range(count)) + ("," if count == 1 else "")
    else:
        left = g.target()
    g.try_statement("\n".join([*before, f"{left} = {value}"]), helper)


# ---- made here ----

ARITHMETIC = ("+", "-", "*", "+", "-", "*", "/", "//", "%")
UNARY = ("-", "np.abs", "np.sin", "np.cos", "np.tanh", "np.sqrt", "np.exp", "np.floor", "np.square", "np.negative",
         "np.arctan", "np.sign", "np.log1p", "np.rint", "np.logical_not", "np.conj", "np.isfinite", "np.ceil")
BINARY = ("np.maximum", "np.minimum", "np.add", "np.multiply", "np.subtract", "np.divide", "np.hypot", "np.arctan2",
          "np.fmax", "np.fmin", "np.logical_and", "np.floor_divide", "np.remainder", "np.copysign", "np.power")


def constant(g):
    return g.pick.choice(["1", "2", "3", "-1", "0.5", "1.5", "-0.25", "2.0", "7", "True"])


def tree(g, depth, leaves):
    """An elementwise expression over these texts."""
    if depth == 0:
        return g.pick.choice(leaves) if g.pick.random() < 0.8 else constant(g)
    kind = g.pick.random()
    left = tree(g, depth - 1, leaves)
    if kind < 0.5:
        return f"({left} {g.pick.choice(ARITHMETIC)} {tree(g, depth - 1, leaves)})"
    if kind < 0.7:
        function = g.pick.choice(UNARY)
        return f"(-{left})" if function == "-" else f"{function}({left})"
    if kind < 0.85:
        return f"{g.pick.choice(BINARY)}({left}, {tree(g, depth - 1, leaves)})"
    if kind < 0.93:
        op = g.pick.choice(["<", "<=", ">", ">=", "==", "!="])
        return f"np.where({left} {op} {g.pick.choice(leaves)}, {tree(g, depth - 1, leaves)}, {constant(g)})"
    return f"({left} ** {g.pick.choice([2, 3, 2])})"


def leaves_like(g, name):
    """Texts that broadcast to a variable's shape."""
    shape = g.exact[name].shape
    found = [name]
    for other in g.variables():
        value = g.exact[other]
        if value.shape == shape:
            found.append(other)
        elif len(shape) == 2 and value.ndim == 1 and value.shape[0] == shape[1]:
            found.append(other)
        elif len(shape) == 2 and value.ndim == 1 and value.shape[0] == shape[0]:
            found.append(f"{other}[:, None]")
    found += [n for n in g.names() if not isinstance(g.exact[n], np.ndarray)][:2]
    return found


def elementwise(g):
    name = g.array()
    assign(g, tree(g, g.pick.randrange(1, 4), leaves_like(g, name)))


def one_slice(g, extent):
    """A slice with odd bounds, an index, or all."""
    kind = g.pick.random()

    def bound():
        if g.pick.random() < 0.3:
            return ""
        ints = [n for n in g.names() if type(g.exact[n]) is int]
        if ints and g.pick.random() < 0.15:
            return g.pick.choice(ints)
        return str(g.pick.randrange(-extent - 2, extent + 3))

    if kind < 0.2:
        return ":"
    if kind < 0.35 and extent:
        return str(g.pick.randrange(-extent, extent))
    step = g.pick.choice(["", "", ":2", ":-1", ":3", ":-2", ":1"])
    return f"{bound()}:{bound()}{step}"


def subscript(g, name):
    shape = g.exact[name].shape
    parts = [one_slice(g, extent) for extent in shape[:g.pick.randrange(1, len(shape) + 1)]] if shape else ["..."]
    if g.pick.random() < 0.1:
        parts.append("...")
    if g.pick.random() < 0.1:
        parts.insert(g.pick.randrange(len(parts) + 1), "None")
    return f"{name}[{', '.join(parts)}]"


def view(g):
    name = g.array(g.pick.choice([1, 2, 2, 3]))
    text = subscript(g, name)
    if g.pick.random() < 0.2:
        text += ".T"
    assign(g, text)


def write(g):
    """Assignment to a slice, plain or augmented."""
    name = g.array(g.pick.choice([1, 2, 2, 3]))
    left = subscript(g, name)
    kind = g.pick.random()
    if kind < 0.3:
        right = constant(g)
    elif kind < 0.6:
        right = subscript(g, name)
    else:
        right = tree(g, 1, [subscript(g, g.array(g.exact[name].ndim)) for _ in range(2)] + [constant(g)])
    operator = g.pick.choice(["=", "=", "=", "+=", "-=", "*="])
    g.try_statement(f"{left} {operator} {right}")


def augment(g):
    name = g.array()
    leaves = leaves_like(g, name)
    operator = g.pick.choice(["+=", "-=", "*=", "+=", "//=", "%=", "&=", "|=", "/="])
    g.try_statement(f"{name} {operator} {tree(g, 1, leaves)}")


REDUCTIONS = ("sum", "prod", "mean", "min", "max", "argmin", "argmax", "any", "all", "std", "var", "count_nonzero",
              "cumsum", "cumprod", "ptp", "median", "average")


def reduction(g):
    name = g.array(g.pick.choice([1, 2, 2, 3]))
    function, ndim = g.pick.choice(REDUCTIONS), g.exact[name].ndim
    text = ""
    if g.pick.random() < 0.7:
        axis = g.pick.randrange(-ndim, ndim)
        if ndim > 1 and function in ("sum", "mean", "min", "max", "any", "std") and g.pick.random() < 0.3:
            axis = tuple(g.pick.sample(range(ndim), 2))
        text += f", axis={axis}"
    if function not in ("cumsum", "cumprod") and g.pick.random() < 0.3:
        text += ", keepdims=True"
    if function in ("sum", "prod", "cumsum", "mean") and g.pick.random() < 0.15:
        text += f", dtype=np.{g.pick.choice(['float64', 'float32', 'complex128', 'int64'])}"
    argument = tree(g, g.pick.randrange(0, 2), [name])
    if function in ("sum", "mean", "max", "argmax", "any", "cumsum", "std") and argument == name \
            and g.pick.random() < 0.4:
        return assign(g, f"{name}.{function}({text[2:]})")
    assign(g, f"np.{function}({argument}{text})")


def ufunc_call(g):
    """With out=, where= or dtype=."""
    name = g.array()
    value = g.exact[name]
    function = g.pick.choice(BINARY[:7] + ("np.sqrt", "np.exp", "np.negative"))
    second = "" if function in ("np.sqrt", "np.exp", "np.negative") else f", {g.pick.choice(leaves_like(g, name))}"
    kind = g.pick.random()
    if kind < 0.3:
        return assign(g, f"{function}({name}{second}, dtype=np.{g.pick.choice(['float64', 'float32', 'complex128'])})")
    out = g.new_name()
    dtype = g.pick.choice(["float64", value.dtype.name, "complex128"])
    lines = [f"{out} = np.{g.pick.choice(['zeros', 'ones'])}({name}.shape, dtype=np.{dtype})"]
    where = ""
    if kind < 0.7:
        masks = g.variables(kinds="b", shape=value.shape)
        where = f", where={g.pick.choice(masks)}" if masks else f", where={name} > {constant(g)}"
    lines.append(f"{function}({name}{second}, out={out}{where})")
    g.try_statement("\n".join(lines))


def masked(g):
    name = g.array(kinds="iuf")
    masks = g.variables(kinds="b", shape=g.exact[name].shape)
    mask = g.pick.choice(masks) if masks and g.pick.random() < 0.5 else f"{name} > {constant(g)}"
    kind = g.pick.random()
    if kind < 0.25:
        return assign(g, f"{name}[{mask}]")
    if kind < 0.4:
        return assign(g, f"{name}[{mask}].sum()")
    if kind < 0.7:
        return g.try_statement(f"{name}[{mask}] {g.pick.choice(['=', '+=', '*='])} {constant(g)}")
    flag = g.new_name()
    g.try_statement(f"{flag} = {mask}\n{name}[{flag}] = {name}[{flag}] * 2")


def gather(g):
    name = g.array(g.pick.choice([1, 1, 2]))
    index = index_array(g, g.pick.random() < 0.5)
    second = index_array(g, False)
    parts = g.pick.choice([f"[{index}]", f"[{index}, :]", f"[:, {index}]", f"[{index}, {index}]", f"[{index}, 0]",
                           f"[{index}[:, None], {second}]", f"[{index}][::-1]", f"[1:, {index}]"])
    kind = g.pick.random()
    if kind < 0.6:
        return assign(g, f"{name}{parts}")
    g.try_statement(f"{name}{parts} {g.pick.choice(['=', '+=', '*='])} {constant(g)}")


def shape_function(g):
    name = g.array(g.pick.choice([1, 2, 2, 3]))
    value = g.exact[name]
    divisors = [d for d in range(1, value.size + 1) if value.size % d == 0] or [0]
    rows = g.pick.choice(divisors)
    other = f"{name}.reshape({rows}, {value.size // rows if rows else 3})"
    texts = [other, f"{name}.reshape(-1)", f"{name}.T", f"np.flip({name})", f"np.roll({name}, {g.pick.randrange(-3, 9)})",
             f"{name}.ravel()", f"np.concatenate(({name}, {name}[::-1]))", f"np.stack(({name}, {name}), axis=-1)",
             f"np.repeat({name}, 2, axis=0)", f"np.tile({name}, 2)", f"{name}[None]", f"np.pad({name}, 1)",
             f"np.swapaxes({name}, 0, -1)", f"np.squeeze({name})", f"np.expand_dims({name}, -1)", f"{name}.copy()",
             f"np.broadcast_to({name}, (2,) + {name}.shape)", f"np.moveaxis({name}, 0, -1)",
             f"{name}.astype(np.{g.pick.choice(TYPE_NAMES)})", f"np.zeros_like({name})", f"np.diff({name}, axis=0)",
             f"np.full({name}.shape, {constant(g)})", f"np.arange({name}.size) * 2", f"np.linspace(0, 1, {name}.size)"]
    assign(g, g.pick.choice(texts))


TYPE_NAMES = [np.dtype(t).name for t in numpy_examples.TYPES]


def loop(g):
    """A loop over indices, rows or elements, or a while loop."""
    kind = g.pick.random()
    k = f"k{g.fresh}"
    g.fresh += 1
    if kind < 0.35:
        name = g.array(1, "iuf")
        size = g.exact[name].size
        low, high, step = g.pick.choice([(1, size, 1), (size - 1, 0, -1), (0, size - 1, 2), (1, size, 3)])
        body = g.pick.choice([f"{name}[{k}] = {name}[{k} - 1] + 1", f"{name}[{k}] += {name}[{k} - 1] // 2",
                              f"{name}[{k}] = max({name}[{k}], {name}[{k} - 1])",
                              f"if {name}[{k}] > 1:\n        {name}[{k}] -= 1",
                              f"if {name}[{k}] > 3:\n        break\n    {name}[{k}] = {k}",
                              f"if {k} % 2 == 0:\n        continue\n    {name}[{k}] = {name}[{k} - 1]"])
        return g.try_statement(f"for {k} in range({low}, {high}, {step}):\n    {body}")
    if kind < 0.6:
        name, total = g.array(2), g.new_name()
        start = f"{total} = np.zeros({name}.shape[1])"
        body = g.pick.choice([f"{total} = {total} + row{k}", f"{total} += np.abs(row{k})",
                              f"{total} = np.maximum({total}, row{k}) * 0.5"])
        head = g.pick.choice([f"for row{k} in {name}:", f"for {k}, row{k} in enumerate({name}):",
                              f"for row{k} in {name}[::-1]:"])
        return g.try_statement(f"{start}\n{head}\n    {body}")
    if kind < 0.8:
        name, total = g.array(1), g.new_name()
        body = g.pick.choice([f"{total} = {total} + e{k} * 2", f"if e{k} > 1:\n        {total} += 1",
                              f"{total} += e{k} if e{k} < 2 else 1"])
        return g.try_statement(f"{total} = {g.pick.choice(['0', '0.0'])}\nfor e{k} in {name}:\n    {body}")
    name, total = g.array(), g.new_name()
    body = tree(g, 1, [total, name])
    return g.try_statement(f"{total} = {name} * 1.0\n{k} = 0\nwhile {k} < {g.pick.randrange(0, 4)}:\n"
                           f"    {total} = ({body}) * 0.5 + {total} * 0\n    {k} += 1")


def branch(g):
    name, result = g.array(), g.new_name()
    leaves = leaves_like(g, name)
    ints = [n for n in g.names() if type(g.exact[n]) is int]
    test = g.pick.choice([f"{name}.sum() > {constant(g)}", f"{name}.size > 3", f"np.any({name})"]
                         + [f"{n} > 1" for n in ints[:1]])
    first = f"{name} * 2.0 + {tree(g, 1, leaves)}"
    second = f"{name} * 2.0 - {tree(g, 1, leaves)}"
    scope = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in g.exact.items()}
    try:
        with np.errstate(all="ignore"):
            one, other = np.asarray(eval(first, scope)), np.asarray(eval(second, scope))
    except Exception as error:  # whatever NumPy says
        raise Rejected(str(error)) from error
    if one.dtype != other.dtype or one.shape != other.shape:
        raise Rejected("branches of different types")
    if g.pick.random() < 0.3:
        return g.try_statement(f"{result} = {first} if {test} else {second}")
    g.try_statement(f"if {test}:\n    {result} = {first}\nelse:\n    {result} = {second}")


def helper(g):
    """A function of the program's own, with a default or keyword argument."""
    name, function = g.array(), f"h{len(g.program.helpers)}"
    other = g.pick.choice([n for n in leaves_like(g, name)])
    first, second = tree(g, 2, ["p", "q"]), tree(g, 1, ["t", "p", "scale"])
    early = g.pick.choice(["", "    if scale > 9:\n        return t\n"])
    text = f"def {function}(p, q, scale={g.pick.choice(['2', '0.5'])}):\n    t = {first}\n{early}    return {second}"
    keyword = g.pick.choice(["", ", 3", ", scale=1.5"])
    if early and not keyword.endswith("9"):
        text = text.replace("return t\n", f"return {second} + 1\n")
    assign(g, f"{function}({name}, {other}{keyword})", text)


def product(g):
    name = g.array(2)
    value = g.exact[name]
    partners = [n for n in g.variables(2) if g.exact[n].shape[0] == value.shape[1]] + [f"{name}.T"]
    vectors = [n for n in g.variables(1) if g.exact[n].shape[0] == value.shape[1]]
    texts = [f"{name} @ {g.pick.choice(partners)}", f"np.dot({name}, {g.pick.choice(partners)})"]
    texts += [f"{name} @ {v}" for v in vectors[:1]] + [f"{v} @ {name}.T" for v in vectors[:1]]
    assign(g, f"({g.pick.choice(texts)}) * {g.pick.choice(['1', '0.125'])}")


KINDS = ((example, 50), (elementwise, 10), (view, 8), (write, 8), (augment, 4), (reduction, 7), (ufunc_call, 3),
         (masked, 4), (gather, 4), (shape_function, 6), (loop, 5), (branch, 3), (helper, 3), (product, 3))
CHOICES = [kind for kind, weight in KINDS for _ in range(weight)]


def grow(seed, least=10, most=16):
    """A program of at least `least` statements; None where none came about."""
    g = Grower(seed)
    wanted = g.pick.randint(least, most)
    for _ in range(25 * wanted):
        if len(g.program.statements) >= wanted:
            break
        try:
            g.pick.choice(CHOICES)(g)
        except Rejected:
            continue
    if len(g.program.statements) < least:
        return None
    g.program.returns = [n for n in g.names() if re.fullmatch(r"v\d+", n)][-14:]
    return g
