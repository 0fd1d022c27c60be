"""Values, kinds and extents that data decide, and names of one array: what random programs have found."""

import numpy as np

RANDOM = np.random.default_rng(6)
ARGUMENTS = {
    "x": RANDOM.random(8),
    "y": RANDOM.random(7) * 4,
    "A": RANDOM.random((4, 5)),
    "n": np.int64(3),
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


def of_four_bytes_and_python(f):
    v = 0.0
    for e in f:
        v += e if e < 2 else 1
    return v


def larger_beside_a_narrow_array(x, f):
    return max(0.0, x[1]) * 2.0, min(x[2], 1) + f


def index_of_two_kinds(n, k, x):
    return x[min(n, k[1]):], min(k[0], 2) * 2


def int_of_two_kinds(k, s):
    return min(k[0], 2), s


def of_two_types(x, k):
    return min(x[0], k[0]), -min(x[0], k[0], 2)


def refused_other_of_two_types(x, k):
    return max(x[0], k[1])


def argument_or_literal(n):
    return max(n, 2.5, 2.0), min(n, 2.5, 7.0)
