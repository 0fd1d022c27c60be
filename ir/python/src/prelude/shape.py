

def repeat_counts(a, repeats, axis):
    counts = np.broadcast_to(np.asarray(repeats), (a.shape[axis],))
    if np.any(counts < 0):
        raise ValueError("repeats may not contain negative values.")
    source = np.moveaxis(a, axis, 0)
    out = np.empty((int(np.sum(counts)),) + source.shape[1:], dtype=a.dtype)
    at = 0
    for i in range(source.shape[0]):
        for j in range(counts[i]):
            out[at] = source[i]
            at += 1
    return np.moveaxis(out, 0, axis)


def linspace_of_arrays(start, stop, num, endpoint, retstep, dtype, axis):
    t = np.result_type(start, stop, 1.0)
    first = np.asarray(start).astype(t)
    last = np.asarray(stop).astype(t)
    intervals = num - 1 if endpoint else num
    delta = last - first
    shape = (num,) + (1,) * delta.ndim
    y = np.arange(num).astype(t).reshape(shape)
    step = delta / max(intervals, 1)
    y = np.where(np.any(step == 0), y / max(intervals, 1) * delta, y * step) + first
    if endpoint and num > 1:
        y[num - 1] = last
    if axis != 0:
        y = np.moveaxis(y, 0, axis)
    if dtype is not None:
        if np.dtype(dtype).kind == "i" or np.dtype(dtype).kind == "u":
            y = np.floor(y)
        y = y.astype(dtype)
    if retstep:
        return y, step
    return y


def numpy__logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    y = np.power(base, np.linspace(start, stop, num=num, endpoint=endpoint, axis=axis))
    if dtype is None:
        return y
    return y.astype(dtype)


def numpy__geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Complex numbers are not supported."""
    first = np.asarray(start) * 1.0
    last = np.asarray(stop) * 1.0
    if np.any(first == 0) or np.any(last == 0):
        raise ValueError("Geometric sequence cannot include zero")
    sign = np.sign(first)
    last = last / sign
    first = first / sign
    y = np.power(10.0, np.linspace(np.log10(first), np.log10(last), num, endpoint))
    if num > 0:
        y[0] = first
        if num > 1 and endpoint:
            y[num - 1] = last
    y = y * sign
    if axis != 0:
        y = np.moveaxis(y, 0, axis)
    if dtype is None:
        return y
    return y.astype(dtype)


def numpy__vander(x, N=None, increasing=False):
    v = np.asarray(x)
    count = len(v) if N is None else N
    out = np.empty((len(v), count), dtype=np.promote_types(v.dtype, np.int64))
    powers = out if increasing else out[:, ::-1]
    if count > 0:
        powers[:, 0] = 1
    for j in range(1, count):
        powers[:, j] = powers[:, j - 1] * v
    return out


def numpy__fromfunction(function, shape, dtype=np.float64):
    """Further keyword arguments are not supported."""
    return function(*np.indices(shape, dtype=dtype))


def fill_triangle(rows, columns, n, m, k, lower):
    at = 0
    for i in range(n):
        first = 0 if lower else min(max(i + k, 0), m)
        last = min(max(i + k + 1, 0), m) if lower else m
        for j in range(first, last):
            rows[at] = i
            columns[at] = j
            at += 1


def triangle_indices(n, m, k, lower):
    if lower:
        return np.nonzero(np.tri(n, m, k, dtype=bool))
    return np.nonzero(np.logical_not(np.tri(n, m, k - 1, dtype=bool)))


def numpy__tril_indices_from(arr, k=0):
    return np.tril_indices(arr.shape[0], k, arr.shape[1])


def numpy__triu_indices_from(arr, k=0):
    return np.triu_indices(arr.shape[0], k, arr.shape[1])


def numpy__diag_indices(n, ndim=2):
    return (np.arange(n),) * ndim


def numpy__diag_indices_from(arr):
    return (np.arange(arr.shape[0]),) * arr.ndim


def delete_by_mask(a, obj, axis):
    moved = np.moveaxis(a, axis, 0)
    keep = np.ones(moved.shape[0], dtype=bool)
    keep[obj] = False
    return np.moveaxis(moved[keep], 0, axis)


def numpy__insert(arr, obj, values, axis=None):
    """`obj` must be one integer, or several that are known element by element."""
    a = np.asarray(arr)
    if axis is None:
        return numpy__insert(np.ravel(a), obj, values, 0)
    moved = np.moveaxis(a, axis, 0)
    n = moved.shape[0]
    v = np.asarray(values)
    v = v.reshape((1,) * (a.ndim - v.ndim) + v.shape)
    if isinstance(obj, int):
        if obj < -n or obj > n:
            raise IndexError("index is out of bounds for axis")
        at = obj if obj >= 0 else obj + n
        rows = np.empty((v.shape[0],) + moved.shape[1:], dtype=a.dtype)
        rows[:] = v
        return np.moveaxis(np.concatenate((moved[:at], rows, moved[at:])), 0, axis)
    places = np.asarray(obj)
    k = len(places)
    places = np.where(places < 0, places + n, places)
    order = np.argsort(places, kind="stable")
    places[order] += np.arange(k)
    keep = np.ones(n + k, dtype=bool)
    keep[places] = False
    out = np.empty((n + k,) + moved.shape[1:], dtype=a.dtype)
    out[places] = np.moveaxis(v, axis, 0)
    out[keep] = moved
    return np.moveaxis(out, 0, axis)


def numpy__cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Vectors of two elements are not supported."""
    if axis is not None:
        return numpy__cross(a, b, axis, axis, axis)
    x = np.moveaxis(np.asarray(a), axisa, -1)
    y = np.moveaxis(np.asarray(b), axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError("incompatible dimensions for cross product (dimension must be 3)")
    shape = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    out = np.empty(shape + (3,), dtype=np.result_type(x, y))
    out[..., 0] = x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1]
    out[..., 1] = x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2]
    out[..., 2] = x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    return np.moveaxis(out, -1, axisc)


def numpy__vecdot(x1, x2, axis=-1):
    x = np.moveaxis(np.asarray(x1), axis, -1)
    y = np.moveaxis(np.asarray(x2), axis, -1)
    if np.dtype(x.dtype).kind == "c":
        x = np.conj(x)
    return np.einsum("...i,...i->...", x, y)


def numpy__matvec(x1, x2):
    return np.einsum("...ij,...j->...i", x1, x2)


def numpy__vecmat(x1, x2):
    x = np.asarray(x1)
    if np.dtype(x.dtype).kind == "c":
        x = np.conj(x)
    return np.einsum("...i,...ij->...j", x, x2)


def numpy__astype(x, dtype, copy=True):
    return x.astype(dtype, copy=copy)
