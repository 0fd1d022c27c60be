"""What is not imported matters where the run comes to it only; and functions that end in several ways."""

import numpy as np

RANDOM = np.random.default_rng(4)
ARGUMENTS = {"x": RANDOM.random(7), "t": 0.5, "n": 5, "b": RANDOM.random(2)}


def not_taken(x, t):
    if t > 0.9:
        return np.busday_count(x)
    return x * t


def refused_taken(x, t):
    if t < 0.9:
        return x.nothing()
    return x * t


def refused_taken_late(x, t):
    s = 0.0
    for v in x:
        s += v
        if s > t:
            s = v.nothing()
    return s


def wrong_index_elsewhere(x, t):
    y = x * 2
    if x[0] > 5:
        y = x[t]
    return y


def after_a_return(x):
    if x[0] < 5:
        return x[0]
    return x("never")


def in_a_loop(x):
    s = 0.0
    for v in x:
        if v > 2:
            s += v.nothing()
        else:
            s += v
    return s


def in_a_function(x):
    def g(v):
        if v > 2:
            return v.upper()
        return v

    return g(x[0])


def found(x, t):
    for i in range(len(x)):
        if x[i] > t:
            return i


def none_elsewhere(x, t):
    if t > 0.9:
        return None
    return x * t


def shape_by_argument(x, n):
    if n > 3:
        return x[:2], 1
    return x


def kind_by_argument(x, n):
    if n == 5:
        y = x[:3]
    else:
        y = 3
    return y * 2


def loop_that_does_not_run(x, t):
    s = x.sum()
    while s < 0:
        s += x[t] + t(s)
    return s


def extents_of_a_branch(x, t):
    def g(a, b):
        if len(b) > 3:
            return np.zeros(len(b) + 1) + t
        return a

    return g(x[:2], x[x > t])


def correlate_of_a_mask(x, t):
    return np.correlate(x[x > t], np.arange(3.0))


def a_slice_of_what_branches_give(b):
    if b.sum() > 3:
        v = b * 2.0
    else:
        v = b * 3.0
    return v[:3] + 1
