"""Python lists that loops fill and change."""

import numpy as np

RANDOM = np.random.default_rng(3)
ARGUMENTS = {
    "A": RANDOM.random((5, 5)),
    "x": RANDOM.integers(0, 3, 7) / 3.0,
    "f": RANDOM.random(7).astype(np.float32),
    "big": RANDOM.random(100),
    "n": 5,
    "t": 0.5,
}


def one_each(x):
    out = []
    for i in range(len(x)):
        out.append(x[i] * 2.0)
    return np.array(out)


def some(x):
    out = []
    for v in x:
        if v > 0.5:
            out.append(v)
    return np.array(out)


def reads_what_it_has(n):
    out = [1.0]
    for i in range(n):
        out.append(out[-1] * 0.5 + out[i])
    return np.array(out), len(out)


def fibonacci(n):
    out = [0, 1]
    for i in range(2, n):
        out.append(out[i - 1] + out[i - 2])
    return out[-1]


def rows(A):
    rows = []
    for i in range(A.shape[0]):
        rows.append(A[i] * 2)
    return np.array(rows)


def rows_of_rows(A):
    rows = []
    for i in range(A.shape[0]):
        row = []
        for j in range(A.shape[1]):
            row.append(A[i, j] + i * j)
        rows.append(row)
    return np.array(rows)


def several_places(A):
    out = []
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            out.append(A[i, j])
        out.append(-1.0)
    return np.array(out)


def triangle(A):
    out = []
    for i in range(A.shape[0]):
        for j in range(i):
            out.append(A[i, j])
    return np.array(out)


def repeated(x, n):
    L = [0.0] * n
    for i in range(n):
        L[i] = x[i] + 1
    return np.array(L)


def counts(x):
    L = [0] * 5
    for i in range(len(x)):
        L[i % 5] += i
    return np.array(L)


def stack(x):
    s = []
    total = 0.0
    for v in x:
        s.append(v)
        if len(s) > 3:
            total += s.pop()
    return total, len(s)


def goes_on(x):
    out = []
    for v in x:
        if v < 0.3:
            continue
        out.append(v)
    return sum(out), len(out), max(out), min(out)


def stops(x):
    out = []
    for v in x:
        if v > 0.9:
            break
        out.append(v)
    t = 0.0
    for w in out:
        t += w
    return t


def history(x):
    u = x.copy()
    hist = [u.copy()]
    for i in range(4):
        u = u * 0.5
        hist.append(u)
    return np.array(hist)


def refused_shared_array(x):
    u = x.copy()
    hist = []
    for i in range(x.shape[0]):
        u[i] = 0
        hist.append(u)
    return np.array(hist)


def copies(x):
    u = x.copy()
    hist = []
    for i in range(x.shape[0]):
        u[i] = 0
        hist.append(u.copy())
    return np.array(hist)


def one_more_after(n):
    out = []
    for i in range(n):
        out.append(i)
    out.append(100)
    return np.array(out)


def extended(n):
    out = []
    for i in range(n):
        out += [i, i + 1]
    return np.array(out)


def indices(x):
    idx = []
    for i in range(len(x)):
        if x[i] > 0.5:
            idx.append(i)
    return x[np.array(idx)]


def refused_grows_under_its_loop(x):
    q = [0]
    for v in q:
        if v < 5:
            q.append(v + 1)
    return len(q)


def refused_rows_grow(n):
    r = []
    row = [0]
    for i in range(n):
        row.append(i)
        r.append(row)
    return np.array(r[0])


def backwards(x):
    out = []
    for i in range(len(x) - 1, -1, -1):
        out.append(x[i])
    return np.array(out)


def every_second(x):
    out = []
    for i in range(0, len(x), 2):
        out.append(x[i])
    return np.array(out)


def while_fills(x):
    out = []
    i = 0
    while i < 5:
        out.append(x[i])
        i += 1
    return np.array(out)


def two_lists(x):
    a = []
    b = []
    for i, v in enumerate(x):
        a.append(i)
        b.append(v * i)
    return np.array(a) + np.array(b)


def a_list_per_iteration(A):
    best = []
    for i in range(A.shape[0]):
        cur = []
        for j in range(A.shape[1]):
            if A[i, j] > 0.5:
                cur.append(A[i, j])
        best.append(len(cur))
    return np.array(best)


def pairs(x):
    out = []
    for v in x:
        out.append((v, v * 2))
    return np.array(out)


def triples(x):
    out = []
    for v in x:
        out.append([v, v * 2, 1])
    return np.array(out)


def sorted_in_place(x):
    out = []
    for v in x:
        out.append(float(v))
    out.sort()
    return np.mean(out), out[0]


def several_kinds(x):
    out = []
    for v in x:
        out.append(v if v > 0.5 else 0)
    return np.array(out)


def starts_with_an_int(x):
    out = [0]
    for v in x:
        out.append(v)
    return np.array(out)


def several_types(x, f):
    out = []
    for i in range(len(x)):
        out.append(x[i])
        out.append(f[i])
    return np.array(out)


def passed_to_a_function(x, t):
    def helper(v, acc):
        acc.append(v * t)
    acc = []
    for v in x:
        helper(v, acc)
    return np.sum(acc), len(acc)


def truth(x):
    out = []
    for v in x:
        if v > 2:
            out.append(v)
    if out:
        return 1.0
    return 0.0


def running(x):
    L = [0.0] * 7
    for i in range(1, 7):
        L[i] = L[i - 1] + x[i]
    s = 0.0
    for a, b in zip(L, x):
        s += a * b
    return s


def searched(x):
    out = []
    for i in range(len(x)):
        if x[i] in out:
            continue
        out.append(x[i])
    return len(out)


def primes(n):
    primes = []
    for k in range(2, n * 10):
        is_p = True
        for p in primes:
            if p * p > k:
                break
            if k % p == 0:
                is_p = False
                break
        if is_p:
            primes.append(k)
    return np.array(primes)


def shape_by_argument(n):
    if n > 3:
        out = []
        for i in range(n):
            out.append(i * i)
        return np.array(out)
    return np.zeros(2, np.int64)


def table(x):
    n = len(x)
    dp = [[-1] * (n + 1) for i in range(n + 1)]
    for i in range(n + 1):
        dp[i][0] = 0
        dp[0][i] = 0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            if x[i - 1] == x[j - 1]:
                dp[i][j] = 1 + dp[i - 1][j - 1]
            else:
                dp[i][j] = max(dp[i - 1][j], dp[i][j - 1])
    return dp[n][n]


def sums(x):
    n = len(x)
    dp = [0] * (n + 1)
    for i in range(1, n + 1):
        dp[i] = dp[i - 1] + i
    return dp


def returned(x):
    return [1, 2.5, x[0]]


def returned_arrays(x):
    return [x, x * 2]


def returned_table(A):
    return [[float(A[i, j]) for j in range(A.shape[1])] for i in range(A.shape[0])]


def long(big):
    v = [float(t) * 2 for t in big]
    s = 0.0
    for i in range(len(v)):
        s += v[i]
    return s, len(v)


def long_table(big):
    m = [[0.0] * 3 for _ in range(len(big))]
    for i in range(len(big)):
        for j in range(3):
            m[i][j] = float(big[i]) * j
    return m


def one_row_many_times(n):
    m = [[0] * n] * n
    m[0][1] = 5
    return m


def refused_one_row_many_times(n):
    m = [[0] * n] * n
    for i in range(n):
        m[i][i] = 5
    return m


def row_is_shared(n):
    row = [0] * n
    m = []
    for i in range(n):
        row[i] = 1
        m.append(row)
    return m


def row_is_copied(n):
    row = [0] * n
    m = []
    for i in range(n):
        row[i] = 1
        m.append(row[:])
    return m


def row_has_a_name(n):
    m = [[0] * n for _ in range(n)]
    for i in range(n):
        r = m[i]
        r[i] = 3
        for j in range(len(r)):
            r[j] += j
    return m


def refused_row_is_exchanged(n):
    m = [[0] * n for _ in range(n)]
    m[1] = [7] * n
    for i in range(n):
        m[i][0] = 2
    return m


def table_of_several_kinds(x, n):
    m = [[0.0] * 3 for _ in range(n)]
    for i in range(n):
        for j in range(3):
            m[i][j] = x[i] * j
    return m


def three_dimensions(n):
    t = [[[0] * 3 for _ in range(4)] for _ in range(n)]
    for i in range(n):
        for j in range(4):
            for k in range(3):
                t[i][j][k] = i + j * k
    return np.array(t)


def product(A):
    n = len(A)
    C = [[0.0 for _ in range(n)] for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                C[i][j] += float(A[i][k]) * float(A[k][j])
    return C


def pascal(n):
    a = [1]
    for _ in range(n):
        b = [0] * (len(a) + 1)
        for i in range(len(a)):
            b[i] += a[i]
            b[i + 1] += a[i]
        a = b
    return a


def sieve(n):
    sieve = [True] * (n * 20)
    for p in range(2, n * 20):
        if sieve[p]:
            for q in range(p * p, n * 20, p):
                sieve[q] = False
    return sum(sieve)


def closure_reads(n):
    c = 0
    L = [0] * n
    for i in range(n):
        def put(v):
            L[v] = v
        put(i)
        c += L[i]
    return c


def closure_appends(x):
    L = []
    def add(v):
        L.append(v)
    for v in x:
        add(v)
    return L


def worklist(x):
    q = [x[0]]
    out = 0.0
    while q:
        v = q.pop()
        out += v
    return out


def row_changes_later(n):
    m = []
    for i in range(n * 20):
        row = [0, i]
        m.append(row)
        row[0] = 5
    return m


def refused_row_is_shared_by_iterations(n):
    row = [0, 0]
    m = []
    for i in range(n * 20):
        row[1] = i
        m.append(row)
    return m


def rows_have_names(n):
    first = [0] * n
    second = [1] * n
    m = [first, second]
    for i in range(n):
        m[i % 2][i] = 7
    first[0] = 9
    return m, first, second


def copied(n):
    a = [0] * n
    for i in range(n):
        a[i] = i
    b = a.copy()
    for i in range(n):
        b[i] = 2
    return a, b


def refused_counted_in_a_list(n):
    a = [0] * n
    for i in range(n):
        a[i] = i % 2
    return a.count(1)


def long_row_changes_later(big, n):
    m = []
    for i in range(n * 20):
        row = [0.0] * len(big)
        for j in range(len(big)):
            row[j] = big[j] * i
        m.append(row)
        row[0] = 5.0
    return m
