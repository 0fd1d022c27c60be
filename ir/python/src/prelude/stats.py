

def given_out(out, value):
    if out is None:
        return value
    out[...] = value
    return out


def numpy__var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, mean=None, correction=None):
    """`where` is not supported."""
    x = np.asarray(a)
    if dtype is not None:
        if weft.kind(x) == 'c':
            weft.refuse("dtype for the variance of complex numbers", "leave it out")
        x = x.astype(dtype)
    if mean is None:
        middle = np.mean(x, axis=axis, keepdims=True)
    else:
        middle = mean
    if correction is None:
        less = ddof
    else:
        less = correction
    d = x - middle
    if weft.kind(d) == 'c':
        squares = np.sum(d.real * d.real + d.imag * d.imag, axis=axis, keepdims=keepdims)
    else:
        squares = np.sum(d * d, axis=axis, keepdims=keepdims)
    return given_out(out, squares / max(weft.count(x, axis) - less, 0))


def numpy__std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, mean=None, correction=None):
    """`where` is not supported."""
    return given_out(out, np.sqrt(np.var(a, axis, dtype, None, ddof, keepdims, mean=mean, correction=correction)))


def numpy__ptp(a, axis=None, out=None, keepdims=False):
    x = np.asarray(a)
    return given_out(out, np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims))


def numpy__count_nonzero(a, axis=None, *, keepdims=False):
    return np.sum(np.asarray(a) != 0, axis=axis, keepdims=keepdims, dtype=np.int64)


def numpy__cumsum(a, axis=None, dtype=None, out=None):
    return given_out(out, running(np.add, a, axis, dtype))


def numpy__cumprod(a, axis=None, dtype=None, out=None):
    return given_out(out, running(np.multiply, a, axis, dtype))


def running(f, a, axis, dtype):
    x = np.asarray(a)
    if dtype is None:
        t = weft.sum_type(x)
    else:
        t = dtype
    if axis is None or x.ndim == 0 and (axis == 0 or axis == -1):
        return running_along(f, x.reshape(-1), 0, t)
    return running_along(f, x, axis, t)


def running_along(f, x, axis, t):
    result = np.empty(x.shape, t)
    source = np.moveaxis(x, axis, 0)
    target = np.moveaxis(result, axis, 0)
    if x.shape[axis] > 0:
        target[0] = source[0]
    for i in range(1, x.shape[axis]):
        target[i] = f(target[i - 1], source[i].astype(t))
    return result


def numpy__argmax(a, axis=None, out=None, *, keepdims=False):
    return given_out(out, first_place(np.max, a, axis, keepdims))


def numpy__argmin(a, axis=None, out=None, *, keepdims=False):
    return given_out(out, first_place(np.min, a, axis, keepdims))


def first_place(extreme, a, axis, keepdims):
    """Where the extreme element is first; NaN is extreme."""
    x = np.asarray(a)
    if axis is None or x.ndim == 1 or x.ndim == 0 and (axis == 0 or axis == -1):
        at = first_place_along(extreme, x.reshape(-1), 0)
        if keepdims:
            return np.full((1,) * x.ndim, at)
        return np.int64(at)
    at = first_place_along(extreme, x, axis)
    if keepdims:
        return np.expand_dims(at, axis)
    return at


def first_place_along(extreme, x, axis):
    n = x.shape[axis]
    if n == 0:
        raise ValueError("attempt to get argmax of an empty sequence")
    shape = [1] * x.ndim
    shape[axis] = n
    found = (x == extreme(x, axis=axis, keepdims=True)) | (x != x)
    return np.min(np.where(found, np.arange(n).reshape(shape), n), axis=axis)


def numpy__round(a, decimals=0, out=None):
    x = np.asarray(a)
    if weft.kind(x) == 'c':
        return given_out(out, weft.complex(np.round(x.real, decimals), np.round(x.imag, decimals)))
    if weft.kind(x) == 'i' or weft.kind(x) == 'u':
        if decimals < 0:
            return given_out(out, (np.rint(x / 10.0 ** -decimals) * 10.0 ** -decimals).astype(x.dtype))
        return given_out(out, +x)
    if decimals == 0:
        return given_out(out, np.rint(x))
    if decimals > 0:
        return given_out(out, np.rint(x * 10.0 ** decimals) / 10.0 ** decimals)
    return given_out(out, np.rint(x / 10.0 ** -decimals) * 10.0 ** -decimals)


def numpy__fix(x, out=None):
    return given_out(out, np.trunc(x))


def numpy__divmod(x1, x2):
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


def numpy__modf(x):
    v = np.asarray(x).astype(weft.math_type(x))
    whole = np.trunc(v)
    return np.copysign(np.where(np.isinf(v), 0, v - whole), v), whole


def numpy__degrees(x):
    return np.multiply(np.asarray(x).astype(weft.math_type(x)), 180.0 / np.pi)


def numpy__rad2deg(x):
    return np.multiply(np.asarray(x).astype(weft.math_type(x)), 180.0 / np.pi)


def numpy__radians(x):
    return np.multiply(np.asarray(x).astype(weft.math_type(x)), np.pi / 180.0)


def numpy__deg2rad(x):
    return np.multiply(np.asarray(x).astype(weft.math_type(x)), np.pi / 180.0)


def numpy__float_power(x1, x2):
    if weft.kind(np.asarray(x1)) == 'c' or weft.kind(np.asarray(x2)) == 'c':
        return np.power(np.asarray(x1).astype(np.complex128), np.asarray(x2).astype(np.complex128))
    return np.power(np.asarray(x1).astype(np.float64), np.asarray(x2).astype(np.float64))


def numpy__heaviside(x1, x2):
    t = weft.math_type(np.add(x1, x2))
    x = np.asarray(x1).astype(t)
    middle = np.where(x < 0, 0, np.where(x > 0, 1, np.asarray(x2).astype(t)))
    return np.where(x != x, x, middle)


def numpy__signbit(x):
    if weft.kind(x) == 'f':
        return np.copysign(np.ones_like(x), x) < 0
    return np.asarray(x) < 0


def numpy__fmax(x1, x2):
    if weft.kind(x1) in 'fc' or weft.kind(x2) in 'fc':
        return np.where(np.isnan(x2), x1, np.where(np.isnan(x1), x2, np.maximum(x1, x2)))
    return np.maximum(x1, x2)


def numpy__fmin(x1, x2):
    if weft.kind(x1) in 'fc' or weft.kind(x2) in 'fc':
        return np.where(np.isnan(x2), x1, np.where(np.isnan(x1), x2, np.minimum(x1, x2)))
    return np.minimum(x1, x2)


def numpy__isposinf(x):
    return np.isinf(x) & (np.asarray(x) > 0)


def numpy__isneginf(x):
    return np.isinf(x) & (np.asarray(x) < 0)


def numpy__logaddexp(x1, x2):
    t = weft.math_type(np.add(x1, x2))
    x, y = np.asarray(x1).astype(t), np.asarray(x2).astype(t)
    large = np.maximum(x, y)
    return np.where(x == y, large + 0.6931471805599453, large + np.log1p(np.exp(-np.abs(x - y))))


def numpy__isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    x = np.asarray(a)
    y = np.asarray(b).astype(weft.float_type(b))
    near = (np.abs(x - y) <= atol + rtol * np.abs(y)) & np.isfinite(y) | (x == y)
    if equal_nan:
        return near | (np.isnan(x) & np.isnan(y))
    return near


def numpy__allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return bool(np.all(np.isclose(a, b, rtol, atol, equal_nan)))


def numpy__array_equal(a1, a2):
    """`equal_nan` is not supported."""
    x = np.asarray(a1)
    y = np.asarray(a2)
    if x.ndim != y.ndim:
        return False
    if x.shape != y.shape:
        return False
    return bool(np.all(x == y))


def numpy__nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    a = np.asarray(x)
    if weft.kind(a) == 'c':
        parts = [np.nan_to_num(part, True, nan, posinf, neginf) for part in (a.real, a.imag)]
        found = weft.complex(parts[0], parts[1])
        if copy:
            return found
        a[...] = found
        return a
    if weft.kind(a) == 'f':
        if posinf is None:
            high = weft.largest(a)
        else:
            high = posinf
        if neginf is None:
            low = -weft.largest(a)
        else:
            low = neginf
        found = np.where(np.isnan(a), nan, np.where(a == np.inf, high, np.where(a == -np.inf, low, a)))
        if copy:
            return found
        a[...] = found
        return a
    if copy:
        return a.copy()
    return a


def numpy__select(condlist, choicelist, default=0):
    result = default
    for i in range(len(condlist)):
        at = len(condlist) - 1 - i
        result = np.where(condlist[at], choicelist[at], result)
    return result


def numpy__diff(a, n=1, axis=-1, prepend=None, append=None):
    """`prepend` and `append` are arrays of the right shape, or scalars."""
    x = np.asarray(a)
    if append is not None:
        return np.diff(np.concatenate((x, end_piece(append, x, axis)), axis=axis), n, axis, prepend)
    if prepend is not None:
        return np.diff(np.concatenate((end_piece(prepend, x, axis), x), axis=axis), n, axis)
    if n == 0:
        return x
    return np.diff(one_diff(x, axis), n - 1, axis)


def end_piece(v, x, axis):
    p = np.asarray(v)
    if p.ndim == 0:
        shape = list(x.shape)
        shape[axis] = 1
        return np.broadcast_to(p, tuple(shape))
    return p


def one_diff(a, axis):
    x = np.moveaxis(a, axis, 0)
    if weft.kind(x) == 'b':
        return np.moveaxis(x[1:] != x[:-1], 0, axis)
    return np.moveaxis(x[1:] - x[:-1], 0, axis)


def numpy__ediff1d(ary):
    """`to_end` and `to_begin` are not supported."""
    x = np.asarray(ary).reshape(-1)
    return x[1:] - x[:-1]


def numpy__trapezoid(y, x=None, dx=1.0, axis=-1):
    """`x` of more than one dimension is not supported."""
    v = np.moveaxis(np.asarray(y), axis, -1)
    if x is None:
        return np.sum((v[..., 1:] + v[..., :-1]) * dx / 2.0, axis=-1)
    at = np.asarray(x)
    return np.sum((at[1:] - at[:-1]) * (v[..., 1:] + v[..., :-1]) / 2.0, axis=-1)


def numpy__polyval(p, x):
    c = np.asarray(p)
    at = np.asarray(x)
    result = np.zeros_like(at)
    for i in range(c.shape[0]):
        result = result * at + c[i]
    return result


def numpy__correlate(a, v, mode='valid'):
    x = np.asarray(a)
    y = np.conj(np.asarray(v))
    if weft.is_more(y.shape[0], x.shape[0]):
        return convolved(y, x[::-1], mode)[::-1]
    return convolved(x, y[::-1], mode)


def numpy__convolve(a, v, mode='full'):
    x = np.asarray(a)
    y = np.asarray(v)
    if weft.is_more(y.shape[0], x.shape[0]):
        return convolved(y, x, mode)
    return convolved(x, y, mode)


def convolved(x, y, mode):
    n = x.shape[0]
    m = y.shape[0]
    if m == 0:
        raise ValueError("v cannot be empty")
    full = np.zeros(n + m - 1, (x[:1] * y[:1]).dtype)
    for k in range(m):
        full[k:k + n] += x * y[k]
    if mode == 'full':
        return full
    if mode == 'same':
        return full[(m - 1) // 2:(m - 1) // 2 + n].copy()
    return full[m - 1:n].copy()


def numpy__searchsorted(a, v, side='left'):
    """`sorter` is not supported."""
    t = np.result_type(a, v)
    c = np.asarray(a).astype(t, copy=False)
    x = np.asarray(v).astype(t, copy=False)
    if x.ndim == 0:
        return np.int64(place_of(c, x, side))
    flat = x.reshape(-1)
    result = np.empty(flat.shape, np.int64)
    for i in range(flat.shape[0]):
        result[i] = place_of(c, flat[i], side)
    return result.reshape(x.shape)


def is_before(x, y):
    """NaN comes last."""
    if weft.kind(x) == 'c':
        return complex_before(x, y)
    if weft.kind(x) == 'f':
        return (x < y) | ((y != y) & (x == x))
    return x < y


def complex_before(x, y):
    """By real parts, then by imaginary ones, NaN last in each; without NaN first."""
    if np.isnan(x) or np.isnan(y):
        a = 2 * int(np.isnan(x.real)) + int(np.isnan(x.imag))
        b = 2 * int(np.isnan(y.real)) + int(np.isnan(y.imag))
        if a != b:
            return a < b
        if a == 1:
            return bool(x.real < y.real)
        return bool(a == 2 and x.imag < y.imag)
    return bool(x < y)


def place_of(c, x, side):
    low = 0
    high = c.shape[0]
    while low < high:
        middle = (low + high) // 2
        if side == 'left':
            before = is_before(c[middle], x)
        else:
            before = not is_before(x, c[middle])
        if before:
            low = middle + 1
        else:
            high = middle
    return low


def numpy__nansum(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def numpy__nanprod(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def numpy__nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    x = np.asarray(a)
    if weft.kind(x) != 'f':
        return np.mean(x, axis=axis, dtype=dtype, out=out, keepdims=keepdims)
    total = np.nansum(x, axis=axis, dtype=dtype, keepdims=keepdims)
    return given_out(out, total / np.sum(~np.isnan(x), axis=axis, keepdims=keepdims, dtype=total.dtype))


def numpy__cov(m, y=None, rowvar=True, bias=False, ddof=None):
    """Weights are not supported."""
    if weft.kind(m) == 'c':
        weft.refuse('cov of complex numbers', 'take real and imaginary parts')
    rows = np.asarray(m).astype(np.float64)
    if rows.ndim == 1:
        x = rows[None, :]
    elif not rowvar:
        x = rows.T
    else:
        x = rows
    if y is not None:
        x = np.concatenate((x, np.asarray(y)[None, :]))
    if ddof is None:
        less = 0 if bias else 1
    else:
        less = ddof
    d = x - np.mean(x, axis=1, keepdims=True)
    c = (d @ d.T) / (x.shape[1] - less)
    if y is None and rows.ndim == 1:
        return c[0, 0]
    assert x.shape[0] != 1, "cov of one row has no dimensions, which is not supported"
    return c


def numpy__corrcoef(x, y=None, rowvar=True):
    c = np.cov(x, y, rowvar)
    d = np.sqrt(np.diag(c))
    return np.clip(c / d[:, None] / d[None, :], -1, 1)


def numpy__isrealobj(x):
    return weft.kind(x) != 'c'


def numpy__iscomplexobj(x):
    return weft.kind(x) == 'c'


def numpy__isreal(x):
    return np.asarray(x).imag == 0


def numpy__iscomplex(x):
    return np.asarray(x).imag != 0


def numpy__nanmax(a, axis=None, out=None, keepdims=False):
    """Where all elements are NaN the result is NaN, without a warning."""
    x = np.asarray(a)
    if weft.kind(x) == 'c':
        lost = np.all(np.isnan(x), axis=axis, keepdims=keepdims)
        found = np.max(np.where(np.isnan(x), x.dtype.type(-np.inf), x), axis=axis, keepdims=keepdims)
        return given_out(out, np.where(lost, x.dtype.type(np.nan), found))
    if weft.kind(x) != 'f':
        return np.max(x, axis=axis, out=out, keepdims=keepdims)
    lost = np.all(np.isnan(x), axis=axis, keepdims=keepdims)
    found = np.max(np.where(np.isnan(x), -np.inf, x), axis=axis, keepdims=keepdims)
    return given_out(out, np.where(lost, np.nan, found))


def numpy__nanmin(a, axis=None, out=None, keepdims=False):
    """Where all elements are NaN the result is NaN, without a warning."""
    x = np.asarray(a)
    if weft.kind(x) == 'c':
        lost = np.all(np.isnan(x), axis=axis, keepdims=keepdims)
        found = np.min(np.where(np.isnan(x), x.dtype.type(np.inf), x), axis=axis, keepdims=keepdims)
        return given_out(out, np.where(lost, x.dtype.type(np.nan), found))
    if weft.kind(x) != 'f':
        return np.min(x, axis=axis, out=out, keepdims=keepdims)
    lost = np.all(np.isnan(x), axis=axis, keepdims=keepdims)
    found = np.min(np.where(np.isnan(x), np.inf, x), axis=axis, keepdims=keepdims)
    return given_out(out, np.where(lost, np.nan, found))


def numpy__nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    """`where`, `mean` and `correction` are not supported."""
    x = np.asarray(a)
    if weft.kind(x) != 'f':
        return np.var(x, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)
    d = np.where(np.isnan(x), 0, x - np.nanmean(x, axis=axis, keepdims=True))
    total = np.sum(d * d, axis=axis, dtype=dtype, keepdims=keepdims)
    n = np.sum(~np.isnan(x), axis=axis, keepdims=keepdims, dtype=total.dtype) - ddof
    return given_out(out, np.where(n > 0, total / n, np.nan))


def numpy__nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    """`where`, `mean` and `correction` are not supported."""
    return given_out(out, np.sqrt(np.nanvar(a, axis, dtype, None, ddof, keepdims)))


def numpy__nancumsum(a, axis=None, dtype=None, out=None):
    return np.cumsum(np.where(np.isnan(a), 0, a), axis, dtype, out)


def numpy__cumulative_sum(x, *, axis=None, dtype=None, out=None):
    """`include_initial` is not supported."""
    return np.cumsum(x, axis, dtype, out)


def numpy__array_equiv(a1, a2):
    return bool(np.all(np.equal(a1, a2)))


def is_falling(b):
    """Does the first element that differs from the one before say so?"""
    first = 1
    while first < b.shape[0] and b[first] == b[first - 1]:
        first = first + 1
    return first < b.shape[0] and not b[first - 1] < b[first]


def numpy__digitize(x, bins, right=False):
    b = np.asarray(bins)
    n = b.shape[0]
    down = is_falling(b)
    c = np.where(down, b[::-1], b)
    assert not np.any(np.where(down, b[1:] > b[:-1], b[1:] < b[:-1])), "bins must be monotonically increasing or decreasing"
    if right:
        at = np.searchsorted(c, x, 'left')
    else:
        at = np.searchsorted(c, x, 'right')
    return np.where(down, n - at, at)


def numpy__interp(x, xp, fp, left=None, right=None, period=None):
    """Complex values are not supported."""
    if period is not None:
        assert period != 0, "period must be a non-zero value"
        size = abs(period)
        known = np.asarray(xp).astype(np.float64) % size
        order = np.argsort(known)
        known = known[order]
        values = np.asarray(fp).astype(np.float64)[order]
        return np.interp(
            np.asarray(x).astype(np.float64) % size,
            np.concatenate((known[-1:] - size, known, known[:1] + size)),
            np.concatenate((values[-1:], values, values[:1])),
        )
    at = np.asarray(x).astype(np.float64)
    flat = at.reshape(-1)
    xs = np.asarray(xp).astype(np.float64)
    fs = np.asarray(fp).astype(np.float64)
    n = xs.shape[0]
    if n == 0:
        raise ValueError("array of sample points is empty")
    result = np.empty(flat.shape, np.float64)
    for i in range(flat.shape[0]):
        v = flat[i]
        j = place_of(xs, v, 'right')
        if v != v:
            result[i] = v
        elif v < xs[0]:
            result[i] = fs[0] if left is None else left
        elif v > xs[n - 1]:
            result[i] = fs[n - 1] if right is None else right
        elif j >= n:
            result[i] = fs[n - 1]
        elif v == xs[j - 1]:
            result[i] = fs[j - 1]
        else:
            result[i] = (fs[j] - fs[j - 1]) / (xs[j] - xs[j - 1]) * (v - xs[j - 1]) + fs[j - 1]
    return result.reshape(at.shape)


def math__degrees(x):
    return float(x) * (180.0 / math.pi)


def math__radians(x):
    return float(x) * (math.pi / 180.0)


def math__fmod(x, y):
    if y == 0 or math.isinf(x) and not math.isnan(y):
        raise ValueError("math domain error")
    return float(np.fmod(float(x), float(y)))


def math__gcd(a, b):
    """Two numbers."""
    return greatest_divisor(a, b)


def math__lcm(a, b):
    """Two numbers."""
    d = math.gcd(a, b)
    if d == 0:
        return 0
    return abs(a) // d * abs(b)


def math__factorial(n):
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    result = 1
    for i in range(2, n + 1):
        result = result * i
    return result


def math__comb(n, k):
    if n < 0 or k < 0:
        raise ValueError("comb takes non-negative integers")
    result = 1
    for i in range(k):
        result = result * (n - i) // (i + 1)
    return result


def math__perm(n, k):
    if n < 0 or k < 0:
        raise ValueError("perm takes non-negative integers")
    result = 1
    for i in range(k):
        result = result * (n - i)
    return result


def math__isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0):
    x = float(a)
    y = float(b)
    near = abs(x - y) <= rel_tol * max(abs(x), abs(y)) or abs(x - y) <= abs_tol
    return x == y or (not math.isinf(x) and not math.isinf(y) and near)


def math__prod(iterable, *, start=1):
    result = start
    for x in iterable:
        result = result * x
    return result


def numpy__gradient(f, *varargs, axis=None, edge_order=1):
    x = np.asarray(f)
    if axis is None:
        axes = tuple(range(x.ndim))
    elif isinstance(axis, tuple):
        axes = axis
    else:
        axes = (axis,)
    if len(varargs) == 0:
        parts = tuple([gradient_along(x, 1.0, d, edge_order) for d in axes])
    elif len(varargs) == 1:
        parts = tuple([gradient_along(x, varargs[0], d, edge_order) for d in axes])
    elif len(varargs) == len(axes):
        parts = tuple([gradient_along(x, varargs[k], axes[k], edge_order) for k in range(len(axes))])
    else:
        raise TypeError("invalid number of arguments")
    if len(axes) == 1:
        return parts[0]
    return parts


def gradient_along(x, h, axis, edge_order):
    """Within, and at the ends by formulas of the first or second order."""
    result = np.empty(x.shape, weft.float_type(x))
    f = np.moveaxis(x.astype(result.dtype), axis, 0)
    g = np.moveaxis(result, axis, 0)
    n = f.shape[0]
    assert n >= edge_order + 1, "Shape of array too small to calculate a numerical gradient"
    if np.asarray(h).ndim == 0:
        even_gradient(f, g, h, edge_order)
    else:
        assert len(h) == n, "when 1d, distances must match the length of the corresponding dimension"
        uneven_gradient(f, g, np.diff(np.asarray(h) * 1.0), edge_order)
    return result


def even_gradient(f, g, h, edge_order):
    g[1:-1] = (f[2:] - f[:-2]) / (2.0 * h)
    if edge_order == 1:
        g[0] = (f[1] - f[0]) / h
        g[-1] = (f[-1] - f[-2]) / h
    else:
        g[0] = -1.5 / h * f[0] + 2.0 / h * f[1] - 0.5 / h * f[2]
        g[-1] = 0.5 / h * f[-3] - 2.0 / h * f[-2] + 1.5 / h * f[-1]


def uneven_gradient(f, g, d, edge_order):
    column = (-1,) + (1,) * (f.ndim - 1)
    before = d[:-1]
    after = d[1:]
    a = (-after / (before * (before + after))).reshape(column)
    b = ((after - before) / (before * after)).reshape(column)
    c = (before / (after * (before + after))).reshape(column)
    g[1:-1] = a * f[:-2] + b * f[1:-1] + c * f[2:]
    if edge_order == 1:
        g[0] = (f[1] - f[0]) / d[0]
        g[-1] = (f[-1] - f[-2]) / d[-1]
    else:
        u = d[0]
        v = d[1]
        g[0] = -(2.0 * u + v) / (u * (u + v)) * f[0] + (u + v) / (u * v) * f[1] - u / (v * (u + v)) * f[2]
        u = d[-2]
        v = d[-1]
        g[-1] = v / (u * (u + v)) * f[-3] - (v + u) / (u * v) * f[-2] + (2.0 * v + u) / (v * (u + v)) * f[-1]


def numpy__bincount(x, weights=None, minlength=0):
    a = np.asarray(x).astype(np.int64)
    top = 0
    for i in range(a.shape[0]):
        assert a[i] >= 0, "'list' argument must have no negative elements"
        if a[i] + 1 > top:
            top = int(a[i]) + 1
    n = max(top, minlength)
    if weights is None:
        found = np.zeros(n, np.int64)
        for i in range(a.shape[0]):
            found[int(a[i])] += 1
        return found
    w = np.asarray(weights)
    total = np.zeros(n, np.float64)
    for i in range(a.shape[0]):
        total[int(a[i])] += w[i]
    return total
