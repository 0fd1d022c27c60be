

def resized(y, n, t):
    """The first n elements along the last axis, zeros where there are no more."""
    if n is None:
        assert y.shape[-1] >= 1, "Invalid number of FFT data points (0) specified."
        return y.astype(t)
    assert n >= 1, "Invalid number of FFT data points specified."
    z = np.zeros(y.shape[:-1] + (n,), t)
    m = min(n, y.shape[-1])
    z[..., :m] = y[..., :m]
    return z


def scaled(x, n, norm, inverse):
    if norm is None or norm == 'backward':
        return x
    if norm == 'ortho':
        return x * weft.real_type(x)(np.sqrt(n)) if inverse else x / weft.real_type(x)(np.sqrt(n))
    if norm == 'forward':
        return x * n if inverse else x / n
    weft.refuse("this norm of transforms", "the norms backward, ortho and forward are known")


def numpy__fft__fft(a, n=None, axis=-1, norm=None):
    x = np.asarray(a)
    z = resized(np.moveaxis(x, axis, -1), n, weft.complex_type(x))
    return np.moveaxis(scaled(weft.fft(z), z.shape[-1], norm, False), -1, axis)


def numpy__fft__ifft(a, n=None, axis=-1, norm=None):
    x = np.asarray(a)
    z = resized(np.moveaxis(x, axis, -1), n, weft.complex_type(x))
    return np.moveaxis(scaled(weft.ifft(z), z.shape[-1], norm, True), -1, axis)


def numpy__fft__rfft(a, n=None, axis=-1, norm=None):
    x = np.asarray(a)
    if weft.kind(x) == 'c':
        weft.refuse("rfft of complex numbers", "use np.fft.fft")
    z = resized(np.moveaxis(x, axis, -1), n, weft.complex_type(x))
    half = weft.fft(z)[..., :z.shape[-1] // 2 + 1]
    return np.moveaxis(scaled(half, z.shape[-1], norm, False), -1, axis)


def numpy__fft__irfft(a, n=None, axis=-1, norm=None):
    x = np.asarray(a)
    y = np.moveaxis(x, axis, -1)
    count = 2 * (y.shape[-1] - 1) if n is None else n
    assert count >= 1, "Invalid number of FFT data points specified."
    half = resized(y, count // 2 + 1, weft.complex_type(x))
    z = np.empty(y.shape[:-1] + (count,), half.dtype)
    z[..., :count // 2 + 1] = half
    for i in range(1, (count + 1) // 2):
        z[..., count - i] = np.conj(half[..., i])
    return np.moveaxis(scaled(weft.ifft(z).real, count, norm, True), -1, axis)


def swapped_norm(norm):
    if norm is None or norm == 'backward':
        return 'forward'
    if norm == 'forward':
        return 'backward'
    return norm


def numpy__fft__hfft(a, n=None, axis=-1, norm=None):
    return np.fft.irfft(np.conj(a), n, axis, swapped_norm(norm))


def numpy__fft__ihfft(a, n=None, axis=-1, norm=None):
    return np.conj(np.fft.rfft(a, n, axis, swapped_norm(norm)))


def transform_axes(x, s, axes):
    if axes is not None:
        return tuple(axes)
    if s is not None:
        return tuple(range(-len(s), 0))
    return tuple(range(x.ndim))


def along_axes(f, x, s, axes, norm):
    """One transform after another, from the last axis to the first."""
    if len(axes) == 0:
        return x
    y = f(x, None if s is None else s[-1], axes[-1], norm)
    return along_axes(f, y, None if s is None else s[:-1], axes[:-1], norm)


def numpy__fft__fftn(a, s=None, axes=None, norm=None):
    x = np.asarray(a)
    return along_axes(np.fft.fft, x, s, transform_axes(x, s, axes), norm)


def numpy__fft__ifftn(a, s=None, axes=None, norm=None):
    x = np.asarray(a)
    return along_axes(np.fft.ifft, x, s, transform_axes(x, s, axes), norm)


def numpy__fft__rfftn(a, s=None, axes=None, norm=None):
    x = np.asarray(a)
    all_axes = transform_axes(x, s, axes)
    half = np.fft.rfft(x, None if s is None else s[-1], all_axes[-1], norm)
    return along_axes(np.fft.fft, half, None if s is None else s[:-1], all_axes[:-1], norm)


def numpy__fft__irfftn(a, s=None, axes=None, norm=None):
    x = np.asarray(a)
    all_axes = transform_axes(x, s, axes)
    half = along_axes(np.fft.ifft, x, None if s is None else s[:-1], all_axes[:-1], norm)
    return np.fft.irfft(half, None if s is None else s[-1], all_axes[-1], norm)


def numpy__fft__fft2(a, s=None, axes=(-2, -1), norm=None):
    return np.fft.fftn(a, s, axes, norm)


def numpy__fft__ifft2(a, s=None, axes=(-2, -1), norm=None):
    return np.fft.ifftn(a, s, axes, norm)


def numpy__fft__rfft2(a, s=None, axes=(-2, -1), norm=None):
    return np.fft.rfftn(a, s, axes, norm)


def numpy__fft__irfft2(a, s=None, axes=(-2, -1), norm=None):
    return np.fft.irfftn(a, s, axes, norm)


def numpy__fft__fftfreq(n, d=1.0):
    step = 1.0 / (n * d)
    return np.concatenate((np.arange(0, (n - 1) // 2 + 1), np.arange(-(n // 2), 0))) * step


def numpy__fft__rfftfreq(n, d=1.0):
    return np.arange(0, n // 2 + 1) * (1.0 / (n * d))


def numpy__fft__fftshift(x, axes=None):
    y = np.asarray(x)
    if axes is None:
        return np.roll(y, [n // 2 for n in y.shape], tuple(range(y.ndim)))
    if isinstance(axes, int):
        return np.roll(y, y.shape[axes] // 2, axes)
    return np.roll(y, [y.shape[d] // 2 for d in axes], tuple(axes))


def numpy__fft__ifftshift(x, axes=None):
    y = np.asarray(x)
    if axes is None:
        return np.roll(y, [-(n // 2) for n in y.shape], tuple(range(y.ndim)))
    if isinstance(axes, int):
        return np.roll(y, -(y.shape[axes] // 2), axes)
    return np.roll(y, [-(y.shape[d] // 2) for d in axes], tuple(axes))
