"""Whole programs in the Python that people write around NumPy: lists, tuples, dicts, names that may be None."""

import itertools
import warnings
from collections import deque
from functools import reduce

import numpy as np

R = np.random.default_rng(3)
ARGUMENTS = dict(A=R.random((6, 6)), B=R.random((6, 4)), x=R.random(9), y=R.random(9), n=6, m=4, t0=1, t=0.3, tol=1e-6,
  img=R.random((8, 9)), ints=R.integers(0, 9, 12), labels=R.integers(0, 3, 9), grid=R.integers(0, 2, (7, 7)), big=R.random(100), mask=R.random(9) > 0.5,
  adj=(R.random((6,6))*(R.random((6,6))>0.4)), s=3, z=R.random(8)+1j*R.random(8), f=0.5)


def best_none(x):
    best = None
    for v in x:
        if best is None or v > best:
            best = v
    return best


def best_index_none(x):
    best, at = None, None
    for i in range(len(x)):
        if best is None or x[i] < best:
            best = x[i]
            at = i
    return best, at


def prev_none(x):
    prev = None
    total = 0.0
    for v in x:
        if prev is not None:
            total += abs(v - prev)
        prev = v
    return total


def prev_vec(A):
    prev = None
    total = 0.0
    for i in range(A.shape[0]):
        row = A[i] * 2
        if prev is not None:
            total += np.sum(np.abs(row - prev))
        prev = row
    return total


def ndindex_loop(A):
    out = np.zeros_like(A)
    for i, j in np.ndindex(A.shape):
        out[i, j] = A[j, i] + i
    return out


def ndindex_idx(A):
    out = np.zeros(A.shape)
    for idx in np.ndindex(*A.shape):
        out[idx] = A[idx] ** 2
    return out


def ndenum(A):
    s = 0.0
    for (i, j), v in np.ndenumerate(A):
        if i < j:
            s += v * i
    return s


def ndenum_idx(A):
    out = np.zeros(A.shape)
    for idx, v in np.ndenumerate(A):
        out[idx] = v + idx[0] * 10 + idx[1]
    return out


def ndindex_break(A):
    for i, j in np.ndindex(A.shape):
        if A[i, j] > 0.9:
            break
    return i, j


def while_list(t):
    out = []
    while t < 5:
        out.append(t)
        t = t * 1.5
    return np.array(out)


def collatz(n):
    seq = [n]
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        seq.append(n)
    return seq


def stack_fill(grid):
    g = grid.copy()
    h, w = g.shape
    stack = [(0, 0)]
    while stack:
        i, j = stack.pop()
        if i < 0 or j < 0 or i >= h or j >= w or g[i, j] == 2:
            continue
        if g[i, j] == 0:
            g[i, j] = 2
            stack.append((i + 1, j))
            stack.append((i - 1, j))
            stack.append((i, j + 1))
            stack.append((i, j - 1))
    return g


def bfs(adj):
    n = len(adj)
    dist = np.full(n, -1)
    dist[0] = 0
    queue = [0]
    while queue:
        u = queue.pop(0)
        for v in range(n):
            if adj[u, v] > 0 and dist[v] < 0:
                dist[v] = dist[u] + 1
                queue.append(v)
    return dist


def bfs_deque(adj):
    n = len(adj)
    dist = [-1] * n
    dist[0] = 0
    queue = deque([0])
    while len(queue) > 0:
        u = queue.popleft()
        for v in range(n):
            if adj[u][v] > 0 and dist[v] == -1:
                dist[v] = dist[u] + 1
                queue.append(v)
    return np.array(dist)


def mixed_list(x):
    dp = [0]
    for v in x:
        dp.append(dp[-1] + v)
    return np.array(dp)


def mixed_max(x):
    best = [0]
    for i in range(len(x)):
        best.append(max(best[i], best[i - 1] + x[i]) if i > 0 else x[i])
    return best


def tuples_mixed(x):
    pairs = []
    for i, v in enumerate(x):
        pairs.append((v, i))
    s = 0.0
    for v, i in pairs:
        s += v * x[i]
    return s


def tuples_index(x):
    pairs = []
    for i in range(len(x)):
        if x[i] > 0.3:
            pairs.append((x[i], i))
    out = np.zeros(len(x))
    for k in range(len(pairs)):
        out[pairs[k][1]] = pairs[k][0]
    return out


def step_sign(x, n, m):
    a = 0
    if x[0] > 0.5:
        st = 1
    else:
        st = -1
    for i in range(4 * st, 0, -st):
        a += i
    return a


def str_cmp(f):
    if f == 'auto':
        return 1.0
    return f * 2


def unassigned(x):
    for i in range(len(x)):
        if i > 0:
            s = prev * 2
        prev = x[i] * 3
    return s


def unassigned_rows(A):
    out = np.zeros(A.shape)
    for i in range(A.shape[0]):
        if i > 0:
            out[i] = prev
        prev = A[i] * 3
    return out


def match_str(x, n):
    match n:
        case 1 | 2:
            return x
        case 6:
            return x * 2
        case _:
            return x + 1


def errst(x):
    with np.errstate(divide='ignore', invalid='ignore'):
        r = np.where(x > 0.5, 1 / (x - 0.5), 0)
    return r


def trying(A):
    try:
        inv = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        inv = np.linalg.pinv(A)
    return inv


def glob_const(x):
    global SCALE
    return x * SCALE
SCALE = 3.0


def helper_none(x):
    r = _find(x, 0.9)
    if r is None:
        return -1
    return r

def _find(x, t):
    for i in range(len(x)):
        if x[i] > t:
            return i
    return None


def while_pop(n):
    st = []
    for i in range(n):
        st.append(i * i)
    tot = 0
    while st:
        tot = tot * 3 + st.pop()
    return tot


def reduce_it(x):
    return reduce(lambda a, b: a * b + 1, x)


def product_it(n):
    s = 0
    for i, j in itertools.product(range(3), range(4)):
        s += i * j
    return s


def comb_it(x):
    s = 0.0
    for i, j in itertools.combinations(range(5), 2):
        s += x[i] * x[j]
    return s


def perm_it(A):
    d = 0.0
    for p in itertools.permutations(range(3)):
        sign = 1
        for i in range(3):
            for j in range(i + 1, 3):
                if p[i] > p[j]:
                    sign = -sign
        d += sign * A[0, p[0]] * A[1, p[1]] * A[2, p[2]]
    return d


def dict_const(x):
    p = {'a': 2.0, 'b': 3.0}
    return x * p['a'] + p['b']


def dict_weights(x, y):
    params = {'w': 0.0, 'b': 0.0}
    for it in range(20):
        pred = params['w'] * x + params['b']
        err = pred - y
        grads = {'w': (err * x).mean(), 'b': err.mean()}
        for k in params:
            params[k] -= 0.1 * grads[k]
    return params['w'], params['b']


def dict_arrays(B, A):
    params = {'W': B, 'b': np.zeros(4)}
    for it in range(5):
        h = np.tanh(A @ params['W'] + params['b'])
        params['W'] = params['W'] - 0.1 * (A.T @ h)
        params['b'] = params['b'] - 0.1 * h.sum(axis=0)
    return params['W'], params['b']


def dict_dispatch(x):
    ops = {'sq': lambda v: v ** 2, 'cube': lambda v: v ** 3}
    return ops['sq'](x) + ops['cube'](x)


def dict_get(x):
    o = dict(alpha=0.5)
    return x * o.get('alpha', 1.0) + o.get('beta', 2.0)


def fstr(x):
    name = f"v{3}"
    print(f"x = {x[0]:.3f} {name}")
    return x.sum()


def fact(n):
    return _fact(n)

def _fact(n):
    return 1 if n <= 1 else n * _fact(n - 1)


def fibr():
    return _fib(7)

def _fib(n):
    if n < 2:
        return n
    return _fib(n - 1) + _fib(n - 2)


def fft_rec(z):
    return _fft(z[:4])

def _fft(x):
    n = len(x)
    if n <= 1:
        return x
    e = _fft(x[::2])
    o = _fft(x[1::2])
    tw = np.exp(-2j * np.pi * np.arange(n // 2) / n)
    return np.concatenate([e + tw * o, e - tw * o])


def walrus(x):
    i = 0
    while (v := x[i]) < 0.9 and i < 7:
        i += 1
    return v


def starargs(x, y):
    return _many(x, y, scale=2)

def _many(*arrs, scale=1, **kw):
    return sum(arrs) * scale


def zipstar(x):
    pts = [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
    a, b = zip(*pts)
    return np.array(a) + np.array(b)


def mapfilter(x):
    return np.array(list(map(lambda v: v * 2, x))), sum(1 for v in x if v > 0.5)


def sortedkey():
    pts = [(3, 1), (1, 2), (2, 0)]
    s = sorted(pts, key=lambda p: p[1])
    return np.array(s)


def maxkey(x):
    return max(range(len(x)), key=lambda i: x[i])


def anygen(x):
    return any(v > 0.9 for v in x), all(v < 2 for v in x)


def along(A):
    return np.apply_along_axis(lambda r: r / r.sum(), 1, A)


def piecew(x):
    return np.piecewise(x, [x < 0.3, x >= 0.6], [lambda v: v * 2, lambda v: -v, 0.0])


def swv(x):
    return np.lib.stride_tricks.sliding_window_view(x, 3).mean(axis=1)


def tolist(x):
    l = x.tolist()
    s = 0.0
    for v in l:
        s += v
    return s


def set_static(x):
    return 1 if 3 in {1, 2, 3} else 0


def setn(labels):
    classes = sorted(set(labels))
    return len(classes)


def isinst(x, n):
    if isinstance(n, (int, np.integer)):
        return x * n
    return x


def typ(n, x):
    if type(n) is int:
        return x + n
    return x


def warn(x):
    if x[0] > 2:
        warnings.warn("big")
    return x


def raise_in(x):
    if x.ndim != 1:
        raise ValueError(f"bad ndim {x.ndim}")
    return x


def refused_empty_list(x):
    out = []
    for i in range(len(x)):
        if x[i] > 5:
            out.append(i)
    return np.array(out)


def refused_list_of_integers_only(x, t0):
    out = [t0]
    for i in range(len(x)):
        if x[i] > 5:
            out.append(x[i])
    return np.array(out)


def refused_no_float_came(t0):
    out = [t0]
    while t0 < 0.5:
        t0 += 0.1
        out.append(t0)
    return np.array(out)


def refused_empty_list_of_lists(x):
    out = []
    for i in range(len(x)):
        if x[i] > 5:
            out.append([i, 2*i])
    return out


def sum_of_empty_list(x):
    out = []
    for i in range(len(x)):
        if x[i] > 5:
            out.append(i)
    return len(out), sum(out)
