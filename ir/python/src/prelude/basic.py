"""Functions of NumPy and Python, written with what is known: `numpy.linalg.norm` is `numpy__linalg__norm`.

They are inlined where they are called. A docstring says what is not supported; it goes to the
documentation.
"""

import math

import numpy as np
import weft


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


def numpy__angle(z, deg=False):
    z = np.asarray(z)
    out = np.arctan2(np.imag(z), np.real(z))
    if deg:
        return out * (180 / np.pi)
    return out


def numpy__iscomplexobj(x):
    return np.asarray(x).dtype == np.complex128 or np.asarray(x).dtype == np.complex64


def ufunc__at(f, a, indices, b=None):
    """Indices are one array of integers or a tuple of them."""
    values = np.broadcast_to(np.asarray(b), np.asarray(indices).shape) if not isinstance(indices, tuple) else b
    if isinstance(indices, tuple):
        values = np.broadcast_to(np.asarray(b), np.asarray(indices[0]).shape)
        for k in range(len(indices[0])):
            place = tuple([i[k] for i in indices])
            a[place] = f(a[place], values[k])
    elif np.asarray(indices).ndim == 1:
        for k in range(len(indices)):
            a[indices[k]] = f(a[indices[k]], values[k])
    else:
        flat = np.ravel(indices)
        rest = np.ravel(values)
        for k in range(len(flat)):
            a[flat[k]] = f(a[flat[k]], rest[k])


def numpy__linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None):
    """`axis` and arrays as ends are not supported."""
    parts = num - 1 if endpoint else num
    delta = stop - start
    if parts > 0:
        step = delta / parts
        out = np.arange(num) * step + start
        if endpoint and num > 1:
            out[-1] = stop
    else:
        step = np.nan
        out = np.arange(num) * (delta * 1.0) + start
    if dtype is not None:
        out = out.astype(dtype)
    if retstep:
        return out, step
    return out


def numpy__flip(m, axis=None):
    m = np.asarray(m)
    if axis is None:
        axes = range(m.ndim)
    elif isinstance(axis, tuple):
        axes = axis
    else:
        axes = (axis,)
    for d in axes:
        m = np.moveaxis(np.moveaxis(m, d, 0)[::-1], 0, d)
    return m


def numpy__triu(m, k=0):
    m = np.asarray(m)
    rows = np.arange(m.shape[-2])[:, None]
    return np.where(np.arange(m.shape[-1]) - rows >= k, m, np.zeros_like(m))


def numpy__tril(m, k=0):
    m = np.asarray(m)
    rows = np.arange(m.shape[-2])[:, None]
    return np.where(np.arange(m.shape[-1]) - rows <= k, m, np.zeros_like(m))


def numpy__swapaxes(a, axis1, axis2):
    a = np.asarray(a)
    order = list(range(a.ndim))
    order[axis1] = axis2 % a.ndim
    order[axis2] = axis1 % a.ndim
    return np.transpose(a, order)


def numpy__concatenate(arrays, axis=0):
    """`out`, `dtype` and `casting` are not supported."""
    parts = [np.asarray(x) for x in arrays]
    if axis is None:
        parts = [np.ravel(x) for x in parts]
        axis = 0
    first = parts[0]
    total = sum([x.shape[axis] for x in parts])
    shape = list(first.shape)
    shape[axis] = total
    out = np.empty(tuple(shape), dtype=np.result_type(*parts))
    target = np.moveaxis(out, axis, 0)
    at = 0
    for x in parts:
        target[at:at + x.shape[axis]] = np.moveaxis(x, axis, 0)
        at += x.shape[axis]
    return out


def numpy__stack(arrays, axis=0):
    """`out`, `dtype` and `casting` are not supported."""
    return np.concatenate([np.expand_dims(np.asarray(x), axis) for x in arrays], axis=axis)


def numpy__hstack(tup):
    parts = [np.asarray(x).reshape(1) if np.asarray(x).ndim == 0 else np.asarray(x) for x in tup]
    if parts[0].ndim == 1:
        return np.concatenate(parts, axis=0)
    return np.concatenate(parts, axis=1)


def numpy__vstack(tup):
    return np.concatenate([x[None, :] if x.ndim == 1 else x for x in [np.asarray(x) for x in tup]], axis=0)


def numpy__roll(a, shift, axis=None):
    """Several shifts are not supported."""
    a = np.asarray(a)
    if axis is None:
        return np.roll(a.reshape(a.size), shift, 0).reshape(a.shape)
    n = a.shape[axis]
    out = np.empty_like(a)
    source = np.moveaxis(a, axis, 0)
    target = np.moveaxis(out, axis, 0)
    if n > 0:
        s = shift % n
        target[s:] = source[:n - s]
        target[:s] = source[n - s:]
    return out
