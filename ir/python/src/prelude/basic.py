"""Functions of NumPy and Python, written with what is known: `numpy.linalg.norm` is `numpy__linalg__norm`.

They are inlined where they are called. A docstring says what is not supported; it goes to the
documentation.
"""

import numpy as np


def ufunc__reduce(f, a, axis):
    a = np.moveaxis(np.asarray(a), axis, 0)
    out = a[0].copy()
    for i in range(1, a.shape[0]):
        out = f(out, a[i])
    return out


def ufunc__accumulate(f, a, axis=0):
    a = np.asarray(a)
    out = np.empty_like(a)
    source = np.moveaxis(a, axis, 0)
    target = np.moveaxis(out, axis, 0)
    if a.shape[axis] > 0:
        target[0] = source[0]
    for i in range(1, a.shape[axis]):
        target[i] = f(target[i - 1], source[i])
    return out


def stacked_matmul(a, b):
    if a.ndim == 1:
        return stacked_matmul(a[None, :], b)[..., 0, :]
    if b.ndim == 1:
        return stacked_matmul(a, b[:, None])[..., 0]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.empty(batch + (a.shape[-2], b.shape[-1]), dtype=np.result_type(a, b))
    multiply_stacks(np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:]), out)
    return out


def multiply_stacks(a, b, out):
    if a.ndim == 2:
        out[:] = a @ b
    else:
        for i in range(out.shape[0]):
            multiply_stacks(a[i], b[i], out[i])


def stacked_dot(a, b):
    if b.ndim == 1:
        return stacked_matmul(a, b)
    rest = b.shape[:-2] + (b.shape[-1],)
    flat = np.moveaxis(b, -2, 0).reshape((b.shape[-2], -1))
    return (a.reshape((-1, a.shape[-1])) @ flat).reshape(a.shape[:-1] + rest)


def arange_of_floats(start, stop=None, step=1, dtype=None):
    if stop is None:
        first = 0
        last = start
    else:
        first = start
        last = stop
    n = max(int(np.ceil((last - first) / step)), 0)
    out = first + np.arange(n) * step
    if dtype is None:
        return out
    return out.astype(dtype)


def numpy__moveaxis(a, source, destination):
    a = np.asarray(a)
    order = [d for d in range(a.ndim) if d != source % a.ndim]
    order.insert(destination % a.ndim, source % a.ndim)
    return np.transpose(a, order)


def min_of_array(a):
    out = a[0]
    for i in range(1, len(a)):
        if a[i] < out:
            out = a[i]
    return out


def max_of_array(a):
    out = a[0]
    for i in range(1, len(a)):
        if a[i] > out:
            out = a[i]
    return out


def sum_of_items(items, start):
    total = start
    for x in items:
        total = total + x
    return total


def numpy__average(a, axis=None, weights=None, keepdims=False):
    """`returned` is not supported."""
    a = np.asarray(a)
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    w = np.asarray(weights)
    if w.ndim < a.ndim:
        order = [1] * a.ndim
        order[axis] = w.shape[0]
        w = np.broadcast_to(w.reshape(tuple(order)), a.shape)
    scale = np.sum(w, axis=axis, keepdims=keepdims)
    return np.sum(a * w, axis=axis, keepdims=keepdims) / scale


def numpy__nonzero(a):
    a = np.asarray(a)
    if a.ndim == 1:
        return (true_places(a),)
    flat = true_places(a.reshape(a.size))
    return unravelled(flat, a.shape)


def unravelled(flat, shape):
    if len(shape) == 1:
        return (flat,)
    last = shape[-1]
    return unravelled(flat // last, shape[:-1]) + (flat % last,)


def true_places(a):
    mask = a != 0
    n = int(np.sum(mask))
    out = np.empty(n, dtype=np.int64)
    k = 0
    for i in range(len(mask)):
        if mask[i]:
            out[k] = i
            k += 1
    return out


def numpy__flatnonzero(a):
    return true_places(np.ravel(a))


def numpy__argwhere(a):
    return np.stack(np.nonzero(a), axis=-1)


def numpy__compress(condition, a, axis=None):
    if axis is None:
        return np.take(np.ravel(a), true_places(np.asarray(condition)))
    return np.take(a, true_places(np.asarray(condition)), axis=axis)


def numpy__extract(condition, arr):
    return np.ravel(arr)[true_places(np.ravel(condition))]


def numpy__take(a, indices, axis=None, out=None, mode="raise"):
    """`out` and modes other than "raise" are not supported."""
    a = np.asarray(a)
    if axis is None:
        return a.reshape(a.size)[np.asarray(indices)]
    moved = np.moveaxis(a, axis, 0)[np.asarray(indices)]
    r = np.asarray(indices).ndim
    order = list(range(r, r + axis % a.ndim)) + list(range(r)) + list(range(r + axis % a.ndim, moved.ndim))
    return np.transpose(moved, order)


def numpy__take_along_axis(arr, indices, axis=-1):
    n = arr.ndim
    index = []
    for d in range(n):
        if d == axis % n:
            index.append(indices)
        else:
            shape = [1] * n
            shape[d] = arr.shape[d]
            index.append(np.arange(arr.shape[d]).reshape(tuple(shape)))
    return arr[tuple(index)]
