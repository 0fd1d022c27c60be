

def of_floats(a):
    x = np.asarray(a)
    return x.astype(weft.float_type(x), copy=False)


def stack_of(x):
    """The matrices of an array along one axis."""
    count = 1
    for n in x.shape[:-2]:
        count = count * n
    return x.reshape((count,) + x.shape[-2:])


def each_matrix(f, x):
    """A matrix for each matrix of a stack, of the same shape."""
    if x.ndim <= 2:
        return f(x)
    matrices = stack_of(x)
    result = np.empty(matrices.shape, x.dtype)
    for i in range(matrices.shape[0]):
        result[i] = f(matrices[i])
    return result.reshape(x.shape)


def numpy__linalg__inv(a):
    return each_matrix(weft.inv, of_floats(a))


def numpy__linalg__cholesky(a, /, *, upper=False):
    x = of_floats(a)
    if upper:
        return np.conj(np.swapaxes(np.linalg.cholesky(np.conj(np.swapaxes(x, -1, -2))), -1, -2))
    return each_matrix(weft.cholesky, x)


def numpy__linalg__det(a):
    x = of_floats(a)
    if x.ndim <= 2:
        return weft.det(x)
    matrices = stack_of(x)
    result = np.empty(matrices.shape[0], x.dtype)
    for i in range(matrices.shape[0]):
        result[i] = weft.det(matrices[i])
    return result.reshape(x.shape[:-2])


def numpy__linalg__slogdet(a):
    x = of_floats(a)
    if x.ndim > 2:
        matrices = stack_of(x)
        count = matrices.shape[0]
        signs = np.empty(count, x.dtype)
        sizes = np.empty(count, weft.real_type(x))
        for i in range(count):
            signs[i], sizes[i] = np.linalg.slogdet(matrices[i])
        return signs.reshape(x.shape[:-2]), sizes.reshape(x.shape[:-2])
    assert x.shape[0] == x.shape[1], "Last 2 dimensions of the array must be square"
    u = x.copy()
    n = u.shape[0]
    sign = np.ones(1, x.dtype)
    size = np.zeros(1, np.abs(x).dtype)
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(u[i, k]) > abs(u[best, k]):
                best = i
        if best != k:
            sign[0] = -sign[0]
            for j in range(n):
                other = u[k, j].copy()
                u[k, j] = u[best, j]
                u[best, j] = other
        pivot = u[k, k].copy()
        size[0] += np.log(abs(pivot))
        if pivot == 0:
            sign[0] = 0
        else:
            sign[0] = sign[0] * (pivot / abs(pivot))
            for i in range(k + 1, n):
                factor = u[i, k] / pivot
                for j in range(k + 1, n):
                    u[i, j] -= factor * u[k, j]
    return sign[0], size[0]


def numpy__linalg__solve(a, b):
    m = of_floats(a)
    r = of_floats(b)
    t = np.result_type(m, r)
    m = m.astype(t, copy=False)
    r = r.astype(t, copy=False)
    if r.ndim == 1:
        return np.linalg.solve(m, r[:, None])[..., 0]
    if m.ndim == 2 and r.ndim == 2:
        return weft.solve(m, r)
    batch = np.broadcast_shapes(m.shape[:-2], r.shape[:-2])
    matrices = stack_of(np.broadcast_to(m, batch + m.shape[-2:]))
    sides = stack_of(np.broadcast_to(r, batch + r.shape[-2:]))
    result = np.empty(sides.shape, t)
    for i in range(matrices.shape[0]):
        result[i] = weft.solve(matrices[i], sides[i])
    return result.reshape(batch + r.shape[-2:])


def numpy__linalg__qr(a, mode='reduced'):
    """The modes reduced, complete and r."""
    x = of_floats(a)
    if mode != 'reduced' and mode != 'r' and mode != 'complete':
        weft.refuse("this mode of qr", "the modes reduced, complete and r are known")
    if x.ndim > 2:
        matrices = stack_of(x)
        first, second = full_qr(matrices[0], mode)
        q = np.empty((matrices.shape[0],) + first.shape, x.dtype)
        r = np.empty((matrices.shape[0],) + second.shape, x.dtype)
        for i in range(matrices.shape[0]):
            q[i], r[i] = full_qr(matrices[i], mode)
        q = q.reshape(x.shape[:-2] + first.shape)
        r = r.reshape(x.shape[:-2] + second.shape)
    else:
        q, r = full_qr(x, mode)
    if mode == 'r':
        return r
    return q, r


def full_qr(x, mode):
    """Columns of zeros leave the reflections as they are, and give the other columns of q."""
    m, n = x.shape
    if mode == 'complete' and weft.is_more(m, n):
        q, r = weft.qr(np.concatenate((x, np.zeros((m, m - n), x.dtype)), axis=1))
        return q, r[:, :n]
    return weft.qr(x)


def numpy__linalg__svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    x = of_floats(a)
    if not compute_uv:
        return np.linalg.svdvals(x)
    if x.ndim <= 2:
        return svd_of(x, full_matrices)
    matrices = stack_of(x)
    count = matrices.shape[0]
    first, values, second = svd_of(matrices[0], full_matrices)
    u = np.empty((count,) + first.shape, x.dtype)
    s = np.empty((count,) + values.shape, values.dtype)
    v = np.empty((count,) + second.shape, x.dtype)
    for i in range(count):
        u[i], s[i], v[i] = svd_of(matrices[i], full_matrices)
    batch = x.shape[:-2]
    return u.reshape(batch + first.shape), s.reshape(batch + values.shape), v.reshape(batch + second.shape)


def svd_of(x, full_matrices):
    if full_matrices:
        return weft.full_svd(x)
    return weft.svd(x)


def numpy__linalg__svdvals(x):
    m = of_floats(x)
    if m.ndim <= 2:
        return weft.svd(m)[1]
    matrices = stack_of(m)
    values = np.empty((matrices.shape[0], min(m.shape[-2], m.shape[-1])), np.abs(m).dtype)
    for i in range(matrices.shape[0]):
        values[i] = weft.svd(matrices[i])[1]
    return values.reshape(m.shape[:-2] + values.shape[1:])


def numpy__linalg__eigh(a, UPLO='L'):
    x = of_floats(a)
    if UPLO == 'U':
        x = np.conj(np.swapaxes(x, -1, -2))
    if x.ndim <= 2:
        return weft.eigh(x)
    matrices = stack_of(x)
    values = np.empty(matrices.shape[:-1], weft.real_type(x))
    vectors = np.empty(matrices.shape, x.dtype)
    for i in range(matrices.shape[0]):
        values[i], vectors[i] = weft.eigh(matrices[i])
    return values.reshape(x.shape[:-1]), vectors.reshape(x.shape)


def numpy__linalg__eigvalsh(a, UPLO='L'):
    return np.linalg.eigh(a, UPLO)[0]


def numpy__linalg__lstsq(a, b, rcond=None):
    """The machine's precision decides the rank."""
    if rcond is not None:
        weft.refuse("lstsq with rcond", "leave it out")
    m = of_floats(a)
    r = of_floats(b)
    t = np.result_type(m, r)
    m = m.astype(t, copy=False)
    r = r.astype(t, copy=False)
    sides = r[:, None] if r.ndim == 1 else r
    x, rank, s = weft.lstsq(m, sides)
    rest = np.sum(np.abs(sides - m @ x) ** 2, axis=0)
    known = np.full(rest.shape, (rank == m.shape[1]) & (m.shape[0] > m.shape[1]))
    residuals = rest[true_places(known)]
    if r.ndim == 1:
        return x[:, 0], residuals, np.int32(rank), s
    return x, residuals, np.int32(rank), s


def numpy__linalg__pinv(a, rcond=None, hermitian=False):
    """One matrix."""
    x = of_floats(a)
    u, s, v = weft.svd(np.conj(x))
    small = s <= (1e-15 if rcond is None else rcond) * np.max(s)
    inverse = np.where(small, 0, 1 / s)
    return v.T @ (inverse[:, None] * u.T)


def numpy__linalg__matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    x = np.asarray(A)
    if x.ndim < 2:
        return int(np.any(x != 0))
    s = np.linalg.svdvals(x)
    if tol is not None:
        least = tol
    else:
        share = max(x.shape[-2], x.shape[-1]) * np.finfo(s.dtype).eps if rtol is None else rtol
        least = np.max(s, axis=-1, keepdims=True) * share
    return np.count_nonzero(s > least, axis=-1)


def numpy__linalg__cond(x, p=None):
    m = np.asarray(x)
    if p is None or p == 2:
        s = np.linalg.svdvals(m)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = np.linalg.svdvals(m)
        return s[..., -1] / s[..., 0]
    return np.linalg.norm(m, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(m), p, axis=(-2, -1))


def squared_size(x):
    if weft.kind(x) == 'c':
        return x.real * x.real + x.imag * x.imag
    return x * x


def numpy__linalg__norm(x, ord=None, axis=None, keepdims=False):
    m = of_floats(x)
    if axis is None:
        entrywise = ord is None or ord == 'fro' and m.ndim == 2 or ord == 2 and m.ndim == 1
        if entrywise:
            return np.sqrt(np.sum(squared_size(m), keepdims=keepdims))
        if m.ndim == 1:
            return vector_norm(m, ord, 0, keepdims)
        if m.ndim == 2:
            return matrix_norm(m, ord, 0, 1, keepdims)
        weft.refuse("this norm of all elements", "give the axes")
    if isinstance(axis, tuple):
        if len(axis) == 1:
            return vector_norm(m, ord, axis[0], keepdims)
        return matrix_norm(m, ord, axis[0], axis[1], keepdims)
    return vector_norm(m, ord, axis, keepdims)


def vector_norm(m, ord, axis, keepdims):
    if ord is None or ord == 2:
        return np.sqrt(np.sum(squared_size(m), axis=axis, keepdims=keepdims))
    if isinstance(ord, str):
        weft.refuse("this norm of vectors", "give a number")
    if ord == np.inf:
        return np.max(np.abs(m), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(m), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum((m != 0).astype(np.abs(m).dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(m), axis=axis, keepdims=keepdims)
    return np.sum(np.abs(m) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def matrix_norm(m, ord, rows, columns, keepdims):
    if ord is None or ord == 'fro':
        return np.sqrt(np.sum(squared_size(m), axis=(rows, columns), keepdims=keepdims))
    y = np.moveaxis(m, (rows, columns), (-2, -1))
    if ord == 'nuc':
        size = np.sum(np.linalg.svdvals(y), axis=-1)
    elif ord == 2:
        size = np.max(np.linalg.svdvals(y), axis=-1)
    elif ord == -2:
        size = np.min(np.linalg.svdvals(y), axis=-1)
    elif ord == 1:
        size = np.max(np.sum(np.abs(y), axis=-2), axis=-1)
    elif ord == -1:
        size = np.min(np.sum(np.abs(y), axis=-2), axis=-1)
    elif ord == np.inf:
        size = np.max(np.sum(np.abs(y), axis=-1), axis=-1)
    elif ord == -np.inf:
        size = np.min(np.sum(np.abs(y), axis=-1), axis=-1)
    else:
        weft.refuse("this norm of matrices", "give 1, 2, inf, their negatives, 'fro' or 'nuc'")
    if keepdims:
        return np.expand_dims(size, (rows, columns))
    return size


def numpy__linalg__vector_norm(x, *, axis=None, keepdims=False, ord=2):
    if axis is None:
        m = np.asarray(x)
        size = np.linalg.norm(m.reshape(-1), ord)
        return np.reshape(size, (1,) * m.ndim) if keepdims else size
    return np.linalg.norm(x, ord, axis, keepdims)


def numpy__linalg__matrix_norm(x, *, keepdims=False, ord='fro'):
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


def numpy__linalg__trace(x, *, offset=0, dtype=None):
    return np.trace(x, offset, -2, -1, dtype)


def numpy__linalg__diagonal(x, *, offset=0):
    return np.diagonal(x, offset, -2, -1)
