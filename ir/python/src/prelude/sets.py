

def numpy__union1d(ar1, ar2):
    return np.unique(np.concatenate((np.ravel(ar1), np.ravel(ar2))))


def numpy__intersect1d(ar1, ar2, assume_unique=False):
    """`return_indices` is not supported."""
    if assume_unique:
        both = np.sort(np.concatenate((np.ravel(ar1), np.ravel(ar2))))
    else:
        both = np.sort(np.concatenate((np.unique(ar1), np.unique(ar2))))
    return both[:-1][both[1:] == both[:-1]]


def numpy__setdiff1d(ar1, ar2, assume_unique=False):
    first = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return first[np.logical_not(np.isin(first, np.ravel(ar2)))]


def numpy__setxor1d(ar1, ar2, assume_unique=False):
    if assume_unique:
        both = np.sort(np.concatenate((np.ravel(ar1), np.ravel(ar2))))
    else:
        both = np.sort(np.concatenate((np.unique(ar1), np.unique(ar2))))
    n = both.shape[0]
    alone = np.ones(n, np.bool_)
    for i in range(1, n):
        if both[i] == both[i - 1]:
            alone[i] = False
            alone[i - 1] = False
    return both[alone]


def numpy__unravel_index(indices, shape):
    """`order` is not supported."""
    extents = shape if isinstance(shape, tuple) else (shape,)
    count = 1
    for n in extents:
        count = count * n
    flat = np.asarray(indices).astype(np.int64)[()]
    assert np.all((flat >= 0) & (flat < count)), "index is out of bounds for array"
    return unravelled(flat, extents)


def numpy__ravel_multi_index(multi_index, dims):
    """The mode raise, and C order."""
    at = np.int64(0)
    for d in range(len(dims)):
        assert np.all((multi_index[d] >= 0) & (multi_index[d] < dims[d])), "invalid entry in coordinates array"
        at = at * dims[d] + multi_index[d]
    return at


def numpy__choose(a, choices, out=None, mode='raise'):
    """The choices are known one by one."""
    at = np.asarray(a)
    count = len(choices)
    if mode == 'wrap':
        at = at % count
    elif mode == 'clip':
        at = np.clip(at, 0, count - 1)
    else:
        assert np.all((at >= 0) & (at < count)), "invalid entry in choice array"
    return given_out(out, chosen_of(at, choices, count - 1))


def chosen_of(at, choices, last):
    if last == 0:
        return np.broadcast_to(choices[0], np.broadcast_shapes(at.shape, np.shape(choices[0])))
    return np.where(at == last, choices[last], chosen_of(at, choices, last - 1))


def numpy__apply_along_axis(func1d, axis, arr):
    """The function gives the same shape for every slice; further arguments are not supported."""
    x = np.asarray(arr)
    moved = np.moveaxis(x, axis, -1)
    count = 1
    for n in moved.shape[:-1]:
        count = count * n
    rows = moved.reshape((count, moved.shape[-1]))
    first = np.asarray(func1d(rows[0]))
    result = np.empty((count,) + first.shape, first.dtype)
    for i in range(count):
        result[i] = func1d(rows[i])
    result = result.reshape(moved.shape[:-1] + first.shape)
    if first.ndim == 0:
        return result
    start = axis % x.ndim
    before = tuple(range(x.ndim - 1))
    made = tuple(range(x.ndim - 1, x.ndim - 1 + first.ndim))
    return np.transpose(result, before[:start] + made + before[start:])


def numpy__isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    x = np.asarray(element)
    t = np.result_type(element, test_elements)
    known = np.sort(np.ravel(test_elements).astype(t, copy=False))
    flat = x.reshape(-1).astype(t, copy=False)
    n = known.shape[0]
    found = np.zeros(flat.shape, np.bool_)
    for i in range(flat.shape[0]):
        at = place_of(known, flat[i], 'left')
        if at < n:
            found[i] = known[at] == flat[i]
    if invert:
        found = np.logical_not(found)
    return found.reshape(x.shape)


def numpy__piecewise(x, condlist, funclist):
    """Conditions and functions are known one by one; further arguments are not supported."""
    a = np.asarray(x)
    several = isinstance(condlist, (list, tuple))
    if a.ndim == 0 or np.ndim(condlist[0] if several else condlist) != (a.ndim if several else 1):
        weft.refuse("piecewise with these conditions", "give a list of arrays of the shape of the first argument")
    conditions = tuple([np.asarray(c) for c in condlist]) if several else (np.asarray(condlist),)
    functions = tuple(funclist)
    count = len(conditions)
    if len(functions) != count and len(functions) != count + 1:
        raise ValueError("the number of functions is that of the conditions, or one more")
    y = np.zeros_like(a)
    if len(functions) == count + 1:
        piece_of(y, a, np.logical_not(any_of(conditions, count - 1)), functions[count])
    pieces_of(y, a, conditions, functions)
    return y


def pieces_of(y, a, conditions, functions):
    if len(conditions) > 0:
        piece_of(y, a, conditions[0], functions[0])
        pieces_of(y, a, conditions[1:], functions[1:])


def any_of(conditions, last):
    if last == 0:
        return conditions[0]
    return conditions[last] | any_of(conditions, last - 1)


def piece_of(y, a, chosen, f):
    if weft.is_function(f):
        y[chosen] = f(a[chosen])
    else:
        y[chosen] = f
