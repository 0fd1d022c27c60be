

def numpy__sort(a, axis=-1, kind=None, *, stable=None):
    x = np.asarray(a)
    if axis is None:
        return sorted_rows(x.reshape(-1))
    return np.moveaxis(sorted_rows(np.moveaxis(x, axis, -1)), -1, axis)


def sorted_rows(y):
    if weft.kind(y) == 'c':
        return np.take_along_axis(y, sorting_rows(y), axis=-1)
    return weft.sort(y)


def sorting_rows(y):
    """Complex numbers go by their real parts, then by the imaginary ones; those with NaN come last."""
    if weft.kind(y) != 'c':
        return weft.argsort(y)
    order = weft.argsort(y.imag)
    order = next_key(order, y.real)
    return next_key(order, 2 * np.isnan(y.real) + np.isnan(y.imag))


def next_key(order, key):
    return np.take_along_axis(order, weft.argsort(np.take_along_axis(key, order, axis=-1)), axis=-1)


def ndarray__sort(a, axis=-1, kind=None, *, stable=None):
    a[...] = np.sort(a, axis=axis)


def numpy__argsort(a, axis=-1, kind=None, *, stable=None):
    """Equal elements keep their order, of whatever kind."""
    x = np.asarray(a)
    if axis is None:
        return sorting_rows(x.reshape(-1))
    return np.moveaxis(sorting_rows(np.moveaxis(x, axis, -1)), -1, axis)


def numpy__lexsort(keys, axis=-1):
    """Keys of one dimension."""
    order = np.argsort(keys[0])
    for key in keys[1:]:
        order = order[np.argsort(key[order])]
    return order


def numpy__median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """One axis, or all."""
    x = np.asarray(a)
    if axis is None:
        y = sorted_rows(x.reshape(-1))
    else:
        y = sorted_rows(np.moveaxis(x, axis, -1))
    t = weft.float_type(y)
    n = y.shape[-1]
    if not weft.is_more(n, 0):
        return given_out(out, kept(np.full(y.shape[:-1], np.nan, t)[()], x, axis, keepdims))
    low = y[..., (n - 1) // 2].astype(t)
    high = y[..., n // 2].astype(t)
    middle = np.where(n % 2 == 1, low, (low + high) / 2)
    return given_out(out, kept(with_nan(middle, y), x, axis, keepdims))


def with_nan(middle, y):
    if weft.kind(y) == 'c':
        return np.where(np.isnan(y[..., -1]), y[..., -1], middle)
    if weft.kind(y) == 'f':
        return np.where(y[..., -1] != y[..., -1], y[..., -1], middle)
    return middle


def kept(result, x, axis, keepdims):
    if not keepdims:
        return result
    if axis is None:
        return np.reshape(result, (1,) * x.ndim)
    return np.expand_dims(result, axis)


def numpy__nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """One axis, or all."""
    x = np.asarray(a)
    if weft.kind(x) != 'f':
        return np.median(x, axis=axis, out=out, keepdims=keepdims)
    if axis is None:
        y = weft.sort(x.reshape(-1))
    else:
        y = weft.sort(np.moveaxis(x, axis, -1))
    assert y.shape[-1] > 0, "the median of no elements"
    n = np.count_nonzero(y == y, axis=-1)
    low = np.expand_dims(np.maximum((n - 1) // 2, 0), -1)
    high = np.expand_dims(np.maximum(n // 2, 0), -1)
    high = np.minimum(high, y.shape[-1] - 1)
    first = np.take_along_axis(y, low, axis=-1)[..., 0]
    second = np.take_along_axis(y, high, axis=-1)[..., 0]
    middle = np.where(n % 2 == 1, first, (first + second) / 2)
    return given_out(out, kept(middle, x, axis, keepdims))


def numpy__percentile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False):
    """The methods linear, lower, higher, nearest and midpoint; one axis, or all."""
    if isinstance(q, (int, float)):
        return np.quantile(a, q / 100, axis, out, overwrite_input, method, keepdims)
    return np.quantile(a, np.asarray(q) / 100, axis, out, overwrite_input, method, keepdims)


def numpy__quantile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False):
    """The methods linear, lower, higher, nearest and midpoint; one axis, or all."""
    x = np.asarray(a)
    if weft.kind(x) == 'b':
        weft.refuse("quantiles of bools", "convert by astype(np.int64) first")
    if axis is None:
        y = weft.sort(x.reshape(-1))
    else:
        y = weft.sort(np.moveaxis(x, axis, -1))
    assert y.shape[-1] > 0, "the quantiles of no elements"
    if isinstance(q, (int, float)) or np.asarray(q).ndim == 0:
        return given_out(out, kept(quantile_of(y, q, method), x, axis, keepdims))
    parts = [kept(quantile_of(y, p, method), x, axis, keepdims) for p in q]
    return given_out(out, np.stack(parts))


def quantile_of(y, q, method):
    assert q >= 0 and q <= 1, "Quantiles must be in the range [0, 1]"
    last = y.shape[-1] - 1
    at = last * q
    if method == 'linear':
        before = int(np.floor(at))
        after = min(before + 1, last)
        low = y[..., before]
        gap = y[..., after] - low
        t = at - before
        if t >= 0.5:
            return with_nan(y[..., after] - gap * (1 - t), y)
        return with_nan(low + gap * t, y)
    if method == 'lower':
        return with_nan(y[..., int(np.floor(at))], y)
    if method == 'higher':
        return with_nan(y[..., int(np.ceil(at))], y)
    if method == 'nearest':
        return with_nan(y[..., int(np.rint(at))], y)
    if method == 'midpoint':
        low = y[..., int(np.floor(at))]
        return with_nan(low + (y[..., int(np.ceil(at))] - low) * 0.5, y)
    weft.refuse("this method of quantiles", "the methods linear, lower, higher, nearest and midpoint are known")


def first_of_equal(y):
    new = np.ones(y.shape[0], np.bool_)
    for i in range(1, y.shape[0]):
        new[i] = y[i] != y[i - 1]
        if weft.kind(y) == 'f' and y[i] != y[i] and y[i - 1] != y[i - 1]:
            new[i] = False
    return new


def numpy__unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None):
    """Not along an axis."""
    if axis is not None:
        weft.refuse("unique along an axis", "take the unique elements of all")
    x = np.asarray(ar)
    flat = x.reshape(-1)
    if not (return_index or return_inverse or return_counts):
        y = weft.sort(flat)
        return y[true_places(first_of_equal(y))]
    order = weft.argsort(flat)
    y = flat[order]
    new = first_of_equal(y)
    places = true_places(new)
    results = [y[places]]
    if return_index:
        results.append(order[places])
    if return_inverse:
        inverse = np.empty(flat.shape[0], np.int64)
        inverse[order] = np.cumsum(new) - 1
        results.append(inverse.reshape(x.shape))
    if return_counts:
        results.append(np.diff(places, append=flat.shape[0]))
    return tuple(results)


def numpy__unique_values(x):
    return np.unique(x)


def outer_edges(x, limits):
    if limits is not None:
        assert limits[0] <= limits[1], "max must be larger than min in range parameter."
        assert np.isfinite(limits[0]) and np.isfinite(limits[1]), "supplied range is not finite"
        first = limits[0]
        last = limits[1]
    else:
        first = np.zeros(1, x.dtype)[0]
        last = np.ones(1, x.dtype)[0]
        if x.shape[0] > 0:
            first = np.min(x)
            last = np.max(x)
        assert np.isfinite(first) and np.isfinite(last), "autodetected range is not finite"
    if first == last:
        return first - 0.5, last + 0.5
    return first - 0.0, last + 0.0


def numpy__histogram_bin_edges(a, bins=10, range=None, weights=None):
    """Bins by number or by their edges."""
    x = np.asarray(a).reshape(-1)
    if weft.kind(x) == 'b':
        x = x.astype(np.uint8)
    return bin_edges(x, bins, range)


def bin_edges(x, bins, limits):
    if isinstance(bins, str):
        weft.refuse("a rule for the number of bins", "give the number of bins or their edges")
    if not isinstance(bins, int) and np.ndim(bins) == 1:
        edges = np.asarray(bins)
        assert np.all(edges[:-1] <= edges[1:]), "`bins` must increase monotonically, when an array"
        return edges
    assert bins > 0, "`bins` must be positive, when an integer"
    first, last = outer_edges(x, limits)
    edges = np.linspace(first, last, bins + 1).astype(np.result_type(first, last, weft.float_type(x)))
    assert np.all(edges[:-1] < edges[1:]), "Too many bins for data range"
    return edges


def numpy__histogram(a, bins=10, range=None, density=None, weights=None):
    """Bins by number or by their edges."""
    x = np.asarray(a).reshape(-1)
    if weft.kind(x) == 'b':
        x = x.astype(np.uint8)
    edges = bin_edges(x, bins, range)
    even = isinstance(bins, int) or np.ndim(bins) == 0
    if weights is None:
        counts = np.zeros(len(edges) - 1, np.int64)
        fill_histogram(counts, x, edges, np.ones(1, np.int64), 0, even)
    else:
        w = np.asarray(weights)
        assert w.shape == np.shape(a), "weights should have the same shape as a."
        w = w.reshape(-1)
        if weft.kind(w) == 'c':
            sums = np.zeros(len(edges) - 1, np.complex128)
        else:
            sums = np.zeros(len(edges) - 1, np.float64)
        fill_histogram(sums, x, edges, w, 1, even)
        counts = sums.astype(w.dtype)
    if density:
        return counts / np.diff(edges).astype(np.float64) / np.sum(counts), edges
    return counts, edges


def fill_histogram(counts, x, edges, w, stride, even):
    n = len(counts)
    first = edges[0]
    last = edges[n]
    for i in range(x.shape[0]):
        v = x[i].astype(np.result_type(x, edges))
        if v >= first and v <= last:
            if even:
                k = int((v - first) / (last - first) * n)
                if k >= n:
                    k = n - 1
                if v < edges[k]:
                    k = k - 1
                elif k != n - 1 and v >= edges[k + 1]:
                    k = k + 1
            else:
                k = bin_of(edges, v)
            counts[k] += w[i * stride]


def bin_of(edges, v):
    low = 0
    high = len(edges) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= v:
            low = middle
        else:
            high = middle
    return low


def numpy__histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    """Bins by number or by their edges."""
    a = np.asarray(x)
    b = np.asarray(y)
    t = np.result_type(a, b)
    a = a.astype(t)
    b = b.astype(t)
    if isinstance(bins, int) or np.ndim(bins) == 0:
        across, down = bins, bins
    else:
        across, down = bins
    limits_a = None if range is None else range[0]
    limits_b = None if range is None else range[1]
    ex = bin_edges_of_axis(a, across, limits_a)
    ey = bin_edges_of_axis(b, down, limits_b)
    counts = np.zeros((len(ex) - 1, len(ey) - 1), np.float64)
    if weights is None:
        fill_histogram2d(counts, a, b, ex, ey, np.ones(1), 0)
    else:
        fill_histogram2d(counts, a, b, ex, ey, np.asarray(weights), 1)
    if density:
        counts = counts / np.diff(ex)[:, None] / np.diff(ey) / np.sum(counts)
    return counts, ex, ey


def bin_edges_of_axis(x, bins, limits):
    if not isinstance(bins, int) and np.ndim(bins) == 1:
        return bin_edges(x, bins, limits)
    assert bins > 0, "`bins` must be positive, when an integer"
    first, last = outer_edges(x, limits)
    return np.linspace(first, last, bins + 1)


def fill_histogram2d(counts, a, b, ex, ey, w, stride):
    for i in range(a.shape[0]):
        u = a[i]
        v = b[i]
        if u >= ex[0] and u <= ex[-1] and v >= ey[0] and v <= ey[-1]:
            counts[bin_of(ex, u), bin_of(ey, v)] += w[i * stride]
