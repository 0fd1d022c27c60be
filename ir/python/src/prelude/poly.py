

def numpy__polyder(p, m=1):
    c = np.asarray(p)
    if m == 0:
        return c
    return np.polyder(c[:-1] * np.arange(c.shape[0] - 1, 0, -1), m - 1)


def numpy__polyint(p, m=1):
    """The constants of integration are 0."""
    c = np.asarray(p)
    if m == 0:
        return c
    return np.polyint(np.concatenate((c / np.arange(c.shape[0], 0, -1), np.zeros(1))), m - 1)


def numpy__polyadd(a1, a2):
    x = np.atleast_1d(a1)
    y = np.atleast_1d(a2)
    if weft.is_more(x.shape[0], y.shape[0]):
        return np.concatenate((np.zeros(x.shape[0] - y.shape[0], y.dtype), y)) + x
    return np.concatenate((np.zeros(y.shape[0] - x.shape[0], x.dtype), x)) + y


def numpy__polysub(a1, a2):
    x = np.atleast_1d(a1)
    y = np.atleast_1d(a2)
    if weft.is_more(x.shape[0], y.shape[0]):
        return x - np.concatenate((np.zeros(x.shape[0] - y.shape[0], y.dtype), y))
    return np.concatenate((np.zeros(y.shape[0] - x.shape[0], x.dtype), x)) - y


def numpy__poly(seq_of_zeros):
    """The roots of a polynomial of real numbers."""
    zeros = np.asarray(seq_of_zeros)
    if zeros.ndim != 1 or weft.kind(zeros) == 'c':
        weft.refuse("the polynomial of a matrix or of complex numbers", "multiply its factors by np.convolve")
    c = np.zeros(zeros.shape[0] + 1, zeros.dtype)
    c[0] = 1
    for k in range(zeros.shape[0]):
        c[1:k + 2] = c[1:k + 2] - zeros[k] * c[:k + 1]
    return c


def numpy__polyfit(x, y, deg):
    """The coefficients alone, without weights."""
    at = np.asarray(x) + 0.0
    values = np.asarray(y) + 0.0
    left = np.vander(at, deg + 1)
    scale = np.sqrt(np.sum(left * left, axis=0))
    c = np.linalg.lstsq(left / scale, values)[0]
    if values.ndim == 1:
        return c / scale
    return c / scale[:, None]


def numpy__sinc(x):
    v = np.pi * np.asarray(x).astype(weft.float_type(x))
    safe = np.where(v == 0, 1, v)
    return np.where(v == 0, 1, np.sin(safe) / safe)


def numpy__unwrap(p, discont=None, axis=-1, period=6.283185307179586):
    x = np.asarray(p)
    d = np.diff(x, axis=axis)
    half = period / 2
    limit = half if discont is None else discont
    near = np.mod(d + half, period) - half
    near = np.where((near == -half) & (d > 0), half, near)
    change = np.where(np.abs(d) < limit, 0, near - d)
    result = np.array(x, dtype=change.dtype)
    moved = np.moveaxis(result, axis, 0)
    moved[1:] = moved[1:] + np.cumsum(np.moveaxis(change, axis, 0), axis=0)
    return result


def numpy__logaddexp2(x1, x2):
    t = weft.math_type(np.add(x1, x2))
    x, y = np.asarray(x1).astype(t), np.asarray(x2).astype(t)
    large = np.maximum(x, y)
    rest = np.log1p(np.exp2(-np.abs(x - y))) * 1.4426950408889634
    return np.where(x == y, large + 1, large + rest)


def numpy__nanargmax(a, axis=None, out=None, *, keepdims=False):
    x = np.asarray(a)
    if weft.kind(x) != 'f' and weft.kind(x) != 'c':
        return np.argmax(x, axis=axis, out=out, keepdims=keepdims)
    assert not np.any(np.all(np.isnan(x), axis=axis)), "All-NaN slice encountered"
    return np.argmax(np.where(np.isnan(x), x.dtype.type(-np.inf), x), axis=axis, out=out, keepdims=keepdims)


def numpy__nanargmin(a, axis=None, out=None, *, keepdims=False):
    x = np.asarray(a)
    if weft.kind(x) != 'f' and weft.kind(x) != 'c':
        return np.argmin(x, axis=axis, out=out, keepdims=keepdims)
    assert not np.any(np.all(np.isnan(x), axis=axis)), "All-NaN slice encountered"
    return np.argmin(np.where(np.isnan(x), x.dtype.type(np.inf), x), axis=axis, out=out, keepdims=keepdims)


def zeros_before(c):
    """How many zeros come first."""
    k = 0
    while k < c.shape[0] and c[k] == 0:
        k = k + 1
    return k


def numpy__trim_zeros(filt, trim='fb', axis=None):
    """Arrays of one dimension."""
    c = np.asarray(filt)
    if c.ndim != 1:
        weft.refuse("trim_zeros of several dimensions", "cut the array by slices")
    kept = c[zeros_before(c):] if 'f' in trim or 'F' in trim else c
    if 'b' in trim or 'B' in trim:
        kept = kept[:kept.shape[0] - zeros_before(kept[::-1])]
    return kept


def significant(c):
    return c[min(zeros_before(c), c.shape[0] - 1):]


def numpy__polymul(a1, a2):
    x = significant(np.atleast_1d(a1))
    y = significant(np.atleast_1d(a2))
    n = x.shape[0]
    m = y.shape[0]
    product = np.zeros(n + m - 1, np.result_type(x, y))
    for k in range(m):
        for i in range(n):
            product[k + i] += x[i] * y[k]
    return product
