"""Values, kinds and extents that data decide, and names of one array: what random programs have found."""

import numpy as np

RANDOM = np.random.default_rng(6)
ARGUMENTS = {
    "x": RANDOM.random(8),
    "y": RANDOM.random(7) * 4,
    "A": RANDOM.random((4, 5)),
    "n": np.int64(3),
    "z": RANDOM.random(5) + 2j,
    "k": np.array([3, 1, 2, 7, 1]),
    "u": np.array([7, 1, 3, 8, 0], dtype="uint64"),
    "big": np.array([7, 2, 3], dtype="uint32"),
    "s": np.array([7, 2, 1, 4], dtype="int32"),
    "f": np.array([0.5, 2.5, 3.5], dtype="float32"),
    "low": np.array([5.0, 6.0, 7.0]),
    "m": np.array([True, False, True, True, False, True, True]),
}


# The variable of a loop, after it.

def row_after_its_loop(A):
    total = np.zeros(5)
    for row in A[::-1]:
        total = total + row
    row[1:3] = 7
    return total, row


def row_sees_later_writes(A):
    for row in A:
        pass
    A[-1] = 3
    return row + 1


def index_after_its_loop(A, x):
    for i, row in enumerate(A):
        x[0] += row[i]
    return np.roll(A, i, axis=1), np.repeat(x, i), x[i:], i


def element_after_its_loop(x):
    for e in x:
        x[-1] = 4
    x[-1] = 5
    return e


def element_that_its_loop_does_not_write(x, y):
    for e in x:
        y[0] += e
    x[-1] = 5
    return e


def pairs_after_their_loop(x, y):
    for i, (a, b) in enumerate(zip(x, y)):
        pass
    return i, a, b


def step_after_its_loop(x):
    for i in range(6, 0, -2):
        x[i] = i
    return x[i:], i


def variable_that_the_loop_assigns(x):
    for i in range(4):
        i = i * 2
    return x[:i]


def loop_that_is_left(x):
    for i in range(7):
        if x[i] > 2:
            break
    return x[i]


def row_of_an_array_that_moves_on(A):
    for t in range(2):
        for row in A:
            A = A + row
    return A, row


# Results that nothing bounds.

def counts(k):
    return np.bincount(k)


def counts_and_rows(k, A):
    return np.repeat(A, k[:4], axis=0), np.bincount(k, minlength=15)


# Parts of one array.

def every_other_from_the_first(y):
    y[::2] = y[:4]
    return y


def from_every_other(y):
    y[:4] = y[::2]
    return y


def last_from_every_other(y):
    y[3:] = y[::2]
    return y


def backwards_into_the_first(y):
    y[3::-1] = y[::-2]
    return y


def other_direction(y):
    y[:4] = y[::-2]
    return y


def column_from_a_row(A):
    A[:, 1] = A[1, :4]
    return A


def part_of_a_selection(y, m):
    v = y[m]
    v[2:] = v[:-2]
    return v


# Two names of one array.

def copy_of_what_is_written_later(A):
    v = A @ A.T
    w = np.asfortranarray(v) + 1
    v[1::2] = 2
    return v, w


def rebound_by_a_loop(x):
    def f(a):
        c = a
        for q in range(3):
            c = c + 1
        return c

    v = f(x)
    v[1] = 5
    return x, v


def columns_with_gaps(A):
    v = A * 2
    w = np.ascontiguousarray(v[:, ::2])
    w[0] = 1
    return v, w


# A variable that is given another array: other names keep theirs.

def part_of_what_moves_on(x, y):
    v = x * 1
    for i in range(3):
        v = v + 1
        b = v[1:]
        v = v + 1
        y = y + b
    return v, y


def name_of_what_may_move_on(x):
    total = 0.0
    for i in range(3):
        v = x[:4] * i
        b = v[::2]
        if i > 1:
            v = v + 1
        total += b.sum() + v.sum()
    return total


# Numbers of which data decide whether they are Python's.

def refused_none_is_added(x):
    s = 0
    for e in x:
        if e > 100:
            s += e
    return s


def refused_python_number_of_a_branch(x):
    if x[0] > 3:
        v = x[0]
    else:
        v = 3
    return v


def refused_python_numbers_alone(x):
    v = 0
    for e in x:
        v += e if e > 100 else 1
    return v


def refused_unsigned_or_python(big):
    v = 0
    for e in big:
        v += e if e < 2 else 1
    return v


def some_are_added(x):
    s = 0
    for e in x:
        if e > 0.5:
            s += e
    return s


def unsigned_and_python(u):
    v = 0
    for e in u:
        v += e if e < 2 else 1
    return v


def signed_and_python(s):
    v = 0
    for e in s:
        v += e if e < 2 else 1
    return v


def refused_complex_and_python(z):
    v = 0
    for e in z:
        v += e if e.real > 100 else 1
    return v


def complex_and_python(z):
    v = 0
    for e in z:
        v += e if e.real < 100 else 1
    return v


def of_four_bytes_and_python(f):
    v = 0.0
    for e in f:
        v += e if e < 2 else 1
    return v


def larger_beside_a_narrow_array(x, f):
    return max(0.0, x[1]) * 2.0, min(x[2], 1) + f


def index_of_two_kinds(n, k, x):
    return x[min(n, k[1]):], min(k[0], 2) * 2


def refused_larger_is_pythons(x, low):
    return max(0, -x[0]), low


def refused_larger_beside_a_narrow_number(x, f):
    return f[0] * max(x[0], 50.5)


def power_by_the_larger(x):
    return 2.5 ** max(1, x[0] * 0), 2.5 / max(3, x[0])


def int_of_two_kinds(k, s):
    return min(k[0], 2), s


def of_two_types(x, k):
    return min(x[0], k[0]), -min(x[0], k[0], 2)


def refused_other_of_two_types(x, k):
    return max(x[0], k[1])


def argument_or_literal(n):
    return max(n, 2.5, 2.0), min(n, 2.5, 7.0)


# How results lie in memory.

def reshaped_in_columns(A):
    v = A.T + 1
    return v.reshape(-1)


def refused_reshaped_in_columns_and_written(A):
    v = A.T + 1
    r = v.reshape(-1)
    r[0] = 9
    return v


def refused_reshaped_picks(A):
    v = A[:, [0, 1]]
    r = v.ravel()
    r[0] = 9
    return v


def reshaped_in_rows(A):
    v = A[::-1] * A
    r = v.reshape(-1)
    r[0] = 9
    return v


def turned_and_one_more_dimension(A):
    v = A.T + 1
    r = v.reshape(5, 1, 4)
    r[0] = 9
    return v


# What a counter is after its loop.

def counter_after_its_loop(x, A):
    k = 0
    while k < 2:
        x[k] = 3
        k += 1
    x[3:] *= x[k - 1]
    A[:2] += A[k::-2][:1]
    return x[k:], k, np.roll(x, k)


def counter_by_threes(x):
    k = 1
    while k < 6:
        x[k] = 3
        k += 3
    return x[:k], np.zeros(k)


def counter_that_starts_behind(x):
    k = 5
    while k < 3:
        x[k] = 3
        k += 1
    return x[:k]


def one_element_in_this_run(y, x):
    for k in range(6):
        if x[k] > 5:
            break
    y[:1] += y[k:k + 1]
    return y


# More.

def at_with_slices(A):
    np.add.at(A, (slice(None), [0, 1, 0]), 1)
    np.multiply.at(A, (slice(1, 3),), A[0])
    np.negative.at(A, (Ellipsis, [2]))
    return A


def where_wraps(u, s):
    return np.where(u > 1, u, -1), np.where(s > 2, s.astype(np.uint8), 300)


def index_that_is_an_int_here(x, n):
    k = max(n, 2.5)
    return x[k:], k & 1


def flat_of_what_has_no_order(A):
    A.T.flat[1] = 2
    A[:, ::2].flat[::2] = 3
    A[::-1].flat = np.arange(20)
    return A, A.T.flat[3:5]


def ravelled_onto_itself(A):
    r = A.ravel()
    r[::2] = r[:10]
    return A


def reductions_of_nothing(k, u):
    none = k[4:2]
    return np.bitwise_xor.reduce(none), np.bitwise_and.reduce(u[3:1]), np.gcd.reduce(k), np.bitwise_or.reduce(k)


def item_of_a_selection(k):
    return k[k > 5].item()


def one_of_its_own_elements_everywhere(x):
    x[:] = x[-5:-2:3]
    return x


def reductions_of_nothing(x):
    e = x[:0]
    return np.hypot.reduce(e), np.logaddexp.reduce(e), np.hypot.reduce([3, 4]), np.logaddexp2.reduce(np.array([3.0, 4.0]))


def linspace_keeps_single_precision(f):
    return np.linspace(f[:3], 2, 4), np.linspace(0, f[:2], 3, endpoint=False), np.linspace(f[:2].astype(np.int8), 2, 3)


def scalars_with_an_imaginary_nan(z):
    w = z.copy()
    w[0] = complex(3.0, np.nan)
    s, t = w.sum(), w[1]
    one = w * 2 if s > 2 else w * 3
    return one, w > 2, s > 2, s >= t, w[0] < t, t <= w[0]


def a_loop_until_it_is_small(x):
    left = 1
    count = 0
    while left > 0.01:
        x *= 0.5
        left = np.sum(x)
        count += 1
    return left, count, left < 1


def compared_in_the_run(x):
    best = 3
    if x[0] > 5:
        best = x.max()
    return best > 2.5, best == 3, (best <= 3) & True
