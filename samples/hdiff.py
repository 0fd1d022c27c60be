import numpy as np


def _limited(flux, slope):
    """The flux where it runs down the slope of the field, zero elsewhere."""
    return np.where(flux * slope > 0, 0, flux)


def hdiff(in_field, out_field, coeff):
    """Horizontal diffusion of fourth order with a flux limiter.

    On each level of a three-dimensional field the five-point Laplacian is
    taken, its differences along both horizontal axes are the fluxes, a flux
    that would sharpen the field is set to zero, and the divergence of the
    fluxes times a coefficient is subtracted from the field. in_field has a rim
    of two cells on each side that out_field has not.
    """
    I, J, K = out_field.shape
    field = in_field[2:I + 2, 2:J + 2]
    around = in_field[:-2, 1:-1] + in_field[2:, 1:-1] + in_field[1:-1, :-2] + in_field[1:-1, 2:]
    lap = 4.0 * in_field[1:-1, 1:-1] - around

    flux_x = _limited(lap[1:, 1:-1] - lap[:-1, 1:-1], in_field[2:-1, 2:-2] - in_field[1:-2, 2:-2])
    flux_y = _limited(lap[1:-1, 1:] - lap[1:-1, :-1], in_field[2:-2, 2:-1] - in_field[2:-2, 1:-2])
    divergence = flux_x[1:] - flux_x[:-1] + flux_y[:, 1:] - flux_y[:, :-1]
    out_field[:] = field - coeff * divergence
