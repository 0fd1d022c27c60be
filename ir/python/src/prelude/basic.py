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


def ufunc__reduce_from(f, a, axis, start):
    """As ufunc__reduce, from the value that changes nothing; None stands for all bits."""
    a = np.moveaxis(np.asarray(a), axis, 0)
    if start is None:
        out = np.invert(np.zeros(a.shape[1:], a.dtype))[()]
    else:
        if isinstance(start, float):
            a = a.astype(weft.math_type(a))
        out = np.full(a.shape[1:], start, a.dtype)[()]
    for i in range(a.shape[0]):
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
    n = weft.places(mask)
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


def ndarray__compress(a, condition, axis=None):
    return np.compress(condition, a, axis=axis)


def numpy__extract(condition, arr):
    return np.ravel(arr)[true_places(np.ravel(condition))]


def numpy__take_along_axis(arr, indices, axis=-1):
    """`axis=None` is not supported."""
    return arr[places_along(arr, indices, axis)]


def places_along(a, indices, axis):
    n = a.ndim
    return tuple([indices if d == axis % n else numbers_along(a, d) for d in range(n)])


def numbers_along(a, d):
    return np.arange(a.shape[d]).reshape((1,) * d + (a.shape[d],) + (1,) * (a.ndim - d - 1))


def numpy__put_along_axis(arr, indices, values, axis):
    """`axis=None` is not supported."""
    arr[places_along(arr, indices, axis)] = values


def numpy__angle(z, deg=False):
    z = np.asarray(z)
    out = np.arctan2(np.imag(z), np.real(z))
    if deg:
        return out * (180 / np.pi)
    return out


def ufunc__reduceat(f, array, indices, axis=0, dtype=None):
    """Ufuncs whose result has the type of their arguments."""
    x = np.asarray(array)
    if dtype is not None:
        x = x.astype(dtype)
    elif f == np.add or f == np.multiply:
        x = x.astype(weft.sum_type(x), copy=False)
    source = np.moveaxis(x, axis, 0)
    first = np.asarray(indices)
    count = first.shape[0]
    if f(source[:0], source[:0]).dtype != x.dtype:
        weft.refuse("reduceat of this ufunc", "reduce the parts one by one")
    out = np.empty((count,) + source.shape[1:], x.dtype)
    for k in range(count):
        begin = int(first[k])
        assert 0 <= begin and begin < source.shape[0], "index out-of-bounds in reduceat"
        end = source.shape[0]
        if k + 1 < count:
            end = int(first[k + 1])
        out[k] = source[begin]
        for i in range(begin + 1, end):
            out[k] = f(out[k], source[i])
    return np.moveaxis(out, 0, axis)


def chosen_places(indices):
    """Where a mask is true, instead of the mask."""
    if isinstance(indices, tuple):
        return indices
    if weft.kind(indices) == 'b':
        return np.nonzero(indices)
    return indices


def changed_in_place(f, a, given):
    indices = chosen_places(given)
    if isinstance(indices, tuple):
        places = [np.ravel(i) for i in np.broadcast_arrays(*indices)]
        for k in range(len(places[0])):
            at = tuple([i[k] for i in places])
            a[at] = f(a[at])
    else:
        places = np.ravel(indices)
        for k in range(len(places)):
            a[places[k]] = f(a[places[k]])


def ufunc__at(f, a, indices, b=None):
    """Indices are arrays of integers, slices, or one mask."""
    if weft.is_sliced(indices):
        # The places of the elements that are meant, in the array as one row.
        places = np.arange(a.size).reshape(a.shape)[indices]
        spread = np.unravel_index(places.ravel(), a.shape)
        if b is None:
            return changed_in_place(f, a, spread)
        return joined_in_place(f, a, spread, np.ravel(np.broadcast_to(np.array(b), places.shape)))
    if b is None:
        return changed_in_place(f, a, indices)
    return joined_in_place(f, a, chosen_places(indices), b)


def joined_in_place(f, a, indices, b):
    """Indices and values may be parts of the array: they are as they were before."""
    if isinstance(indices, tuple):
        places = [np.array(np.ravel(i)) for i in np.broadcast_arrays(*indices)]
        values = np.ravel(np.broadcast_to(np.array(b), np.broadcast_shapes(*[np.shape(i) for i in indices])))
        for k in range(len(places[0])):
            at = tuple([i[k] for i in places])
            a[at] = f(a[at], values[k])
    else:
        places = np.array(np.ravel(indices))
        values = np.ravel(np.broadcast_to(np.array(b), np.shape(indices)))
        for k in range(len(places)):
            a[places[k]] = f(a[places[k]], values[k])




def numpy__put(a, ind, v, mode='raise'):
    places = np.ravel(ind)
    values = np.ravel(v).astype(a.dtype)
    count = values.shape[0]
    for k in range(places.shape[0]):
        at = int(places[k])
        if mode == 'wrap':
            at = at % a.size
        elif mode == 'clip':
            at = min(max(at, 0), a.size - 1)
        else:
            assert -a.size <= at and at < a.size, "an index of put is out of bounds"
            at = at % a.size
        if count > 0:
            a[unravelled(at, a.shape)] = values[k % count]


def numpy__place(arr, mask, vals):
    chosen = np.ravel(mask)
    values = np.ravel(vals).astype(arr.dtype)
    assert chosen.shape[0] == arr.size, "place: mask and data must be the same size"
    k = 0
    for i in range(arr.size):
        if chosen[i]:
            assert values.shape[0] > 0, "Cannot insert from an empty array!"
            arr[unravelled(i, arr.shape)] = values[k % values.shape[0]]
            k = k + 1


def numpy__putmask(a, mask, values):
    chosen = np.ravel(mask)
    given = np.ravel(values).astype(a.dtype)
    assert chosen.shape[0] == a.size, "putmask: mask and data must be the same size"
    if given.shape[0] > 0:
        for i in range(a.size):
            if chosen[i]:
                a[unravelled(i, a.shape)] = given[i % given.shape[0]]
