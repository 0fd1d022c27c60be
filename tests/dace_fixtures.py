"""Loads, validates, compiles and runs exports of ir/fixtures in DaCe and compares with NumPy.

    python tests/dace_fixtures.py FOLDER      # FOLDER/vecadd.sdfg, …

Needs a Python with dace==1.0.2. Exits with 1 if a graph is refused or a result differs.
"""
import glob
import math
import os
import sys
import tempfile

os.environ.setdefault("DACE_default_build_folder", tempfile.mkdtemp())
os.environ.setdefault("DACE_compiler_cpu_args", "-std=c++14 -fPIC -O1 -Wno-unused-parameter -Wno-unused-label")
import dace
import numpy as np

R = np.random.default_rng(0)
N, M, K = 7, 5, 6


def jacobi_2d(TSTEPS, A, B):
    for _ in range(1, TSTEPS):
        for s, d in ((A, B), (B, A)):
            d[1:-1, 1:-1] = 0.2 * (s[1:-1, 1:-1] + s[1:-1, :-2] + s[1:-1, 2:] + s[2:, 1:-1] + s[:-2, 1:-1])


def gemm(alpha, beta, C, A, B):
    C[:] = alpha * A @ B + beta * C


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def conditional(A, limit, mode):
    if A[0] > limit:
        A /= 2
    elif mode == 2:
        A[:] = np.minimum(A, limit)
    else:
        A[:] = abs(A)


def newton(a, eps):
    x, err, k = a, np.inf, 0
    while err > eps and k < 100:
        x = 0.5 * (x + a / x)
        err = abs(x * x - a)
        k += 1
    return x, k


def rows(A, out):
    for i in range(A.shape[0]):
        acc = 0.0
        for v in A[i]:
            acc = acc * 0.5 + v
        out[i] = acc


def call(A, B):
    B[1] = A[0] ** 2


def histogram(x, lo, hi, counts):
    inside = (x >= lo) & (x < hi)
    counts += np.array([(x < lo).sum(), inside.sum(), (x >= hi).sum(), np.isnan(x).sum()])
    return x[inside].sum()


def arc(t1, p1, t2, p2):
    s = np.sin((t2 - t1) / 2) ** 2 + np.cos(t1) * np.cos(t2) * np.sin((p2 - p1) / 2) ** 2
    return 2 * np.arctan2(np.sqrt(s), np.sqrt(1 - s))


def floyd(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path, path[:, k, None] + path[k])


def cholesky(A):
    A[:] = np.tril(np.linalg.cholesky(A)) + np.triu(A, 1)


def tiled(A, B):
    n = A.shape[0]
    i = np.arange(n)
    B[:] = (A + i[:, None] + i).T


def fill(A, B):
    A[:] = np.arange(A.size).reshape(A.shape)
    B[:] = 1.5
    return B.copy()


def checks(n, A, x):
    q = x // 2
    a, b = np.zeros(len(x)), np.zeros(len(x))
    for k in range(n, -1, -1):
        if k != 3:
            a[k], b[k] = q[k], A[k, 0] % q[k]
    return a, b


def complex_parts(z, w, u, x, total):
    total += (z * w).sum()
    whole = (z + w * 1j) / (w + (0.5 + 8j)) - z.conj() + np.exp(z * 0.5j)
    erf = np.array([math.erf(v) for v in x])
    return whole, abs(z) + z.real * w.imag + erf, u * (x + 0.5j).astype(np.complex64) + np.sqrt(u)


def u(*shape):
    return R.random(shape)


def spd(n):
    a = u(n, n)
    return a @ a.T + n * np.eye(n)


# fixture: (NumPy, arguments by name, symbols)
CASES = {
    "vecadd": (lambda a, b: a + b, dict(a=u(N), b=u(N)), dict(N=N)),
    "jacobi_2d": (jacobi_2d, dict(TSTEPS=4, A=u(N, N), B=u(N, N)), dict(N=N)),
    "matmul": (gemm, dict(alpha=1.5, beta=1.2, C=u(N, M), A=u(N, K), B=u(K, M)), dict(NI=N, NJ=M, NK=K)),
    "matvec_transposed": (lambda A, x: A.T @ (A @ x), dict(A=u(M, N), x=u(N)), dict(M=M, N=N)),
    "reduce_keepdims": (softmax, dict(x=u(N, M).astype(np.float32)), dict(N=N, SM=M)),
    "conditional": (conditional, dict(A=u(N) - 0.5, limit=0.1, mode=2), dict(N=N)),
    "while_break": (newton, dict(a=2.0, eps=1e-9), {}),
    "nested_in_map": (rows, dict(A=u(N, M), out=u(N)), dict(N=N, M=M)),
    "nested_in_state": (call, dict(A=u(N, N), B=u(N, N)), dict(N=N)),
    "histogram": (histogram, dict(x=u(50), lo=0.2, hi=0.7, counts=np.arange(4)), dict(N=50)),
    "scalar_chain": (arc, dict(theta_1=u(N), phi_1=u(N), theta_2=u(N), phi_2=u(N)), dict(N=N)),
    "floyd_warshall": (floyd, dict(path=R.integers(1, 99, (N, N)).astype(np.int32)), dict(N=N)),
    "cholesky": (cholesky, dict(A=spd(N)), dict(N=N)),
    "tiled": (tiled, dict(A=u(35, 35), B=u(35, 35)), dict(N=35)),
    "empty_inputs": (fill, dict(A=np.zeros((N, M), np.int64), B=np.zeros((N, M), np.float32)), dict(N=N, M=M)),
    "complex_parts": (
        complex_parts,
        dict(z=u(N) + 1j * u(N), w=u(N) - 1j * u(N), u=(u(N) - 1j * u(N)).astype(np.complex64), x=u(N), total=np.full(1, 2 - 1j)),
        dict(N=N),
    ),
    "checks": (checks, dict(n=5, A=np.asfortranarray(u(N, M)), x=u(N) + 3), dict(N=N, M=M)),
}


def run(path):
    name = os.path.basename(path).split(".")[0]
    sdfg = dace.SDFG.from_file(path)
    sdfg.validate()
    if name not in CASES:
        return "validates"
    function, arguments, symbols = CASES[name]
    copies = [{k: v.copy(order="K") if isinstance(v, np.ndarray) else v for k, v in arguments.items()} for _ in "ab"]
    expected = function(**{k: v for k, v in copies[0].items()}) if function.__name__ != "arc" else function(*copies[0].values())
    compiled = sdfg.compile()
    # A name that means something to SymPy or C++ is another one in the file; the order is the same.
    renamed = dict(zip(arguments, sdfg.arg_names))
    given = {renamed.get(name, name): value for name, value in copies[1].items()}
    got = compiled(**given, **{k: v for k, v in symbols.items() if k in sdfg.arglist()})
    compare = [(k, copies[0][k], copies[1][k]) for k, v in arguments.items() if isinstance(v, np.ndarray)]
    if expected is not None:
        many = lambda x: x if isinstance(x, (tuple, list)) else [x]
        compare += [(f"return {i}", e, g) for i, (e, g) in enumerate(zip(many(expected), many(got)))]
    for what, e, g in compare:
        e, g = np.asarray(e), np.asarray(g).reshape(np.shape(e))
        touched = slice(None)
        if name == "checks" and what.startswith("return"):
            touched = [0, 1, 2, 4, 5]  # the others are never written
        rtol = 1e-5 if e.dtype in (np.float32, np.complex64) else 1e-10
        np.testing.assert_allclose(g[touched] if e.ndim else g, e[touched] if e.ndim else e, rtol=rtol, atol=1e-12, err_msg=what)
    return "right"


def main(folder):
    failed = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.sdfg"))):
        try:
            print(f"{os.path.basename(path):28} {run(path)}", flush=True)
        except Exception as error:
            failed += 1
            text = (str(error).strip() or repr(error)).splitlines()
            print(f"{os.path.basename(path):28} FAILED {type(error).__name__}: {' | '.join(text[:6])[:600]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
