import numpy as np

OLD_PART = 0.5
NEW_PART = 0.5


def vadv(utens_stage, u_stage, wcon, u_pos, utens, dtr_stage):
    """Vertical advection of a wind component in a weather model.

    Half of the transport between the levels of each column is taken at the new
    time, which gives a tridiagonal system per column. It is solved for all
    columns at once by elimination upwards and substitution downwards; the
    change of the wind over the stage goes to utens_stage.
    """
    levels = u_stage.shape[2]
    flow = 0.25 * (wcon[1:] + wcon[:-1])
    rise = OLD_PART * flow[:, :, 1:] * (u_stage[:, :, 1:] - u_stage[:, :, :-1])
    rest = dtr_stage * u_pos + utens + utens_stage
    rest[:, :, :-1] -= rise
    rest[:, :, 1:] -= rise

    upper = NEW_PART * flow[:, :, 1:]
    pivot = dtr_stage - upper[:, :, 0]
    rest[:, :, 0] /= pivot
    upper[:, :, 0] /= pivot
    for k in range(1, levels):
        lower = -NEW_PART * flow[:, :, k]
        pivot = dtr_stage - lower - lower * upper[:, :, k - 1]
        if k < levels - 1:
            pivot -= upper[:, :, k]
            upper[:, :, k] /= pivot
        rest[:, :, k] = (rest[:, :, k] - lower * rest[:, :, k - 1]) / pivot

    wind = rest[:, :, levels - 1].copy()
    utens_stage[:, :, levels - 1] = dtr_stage * (wind - u_pos[:, :, levels - 1])
    for k in range(levels - 2, -1, -1):
        wind = rest[:, :, k] - upper[:, :, k] * wind
        utens_stage[:, :, k] = dtr_stage * (wind - u_pos[:, :, k])
