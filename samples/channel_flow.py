import numpy as np


def _east(f):
    """The value of the right neighbour; the channel closes on itself."""
    return np.roll(f, -1, axis=1)


def _west(f):
    return np.roll(f, 1, axis=1)


def _pressure_source(u, v, rho, dt, dx, dy):
    """Right-hand side of the pressure equation, zero on the walls."""
    u_x = (_east(u) - _west(u))[1:-1] / (2 * dx)
    v_x = (_east(v) - _west(v))[1:-1] / (2 * dx)
    u_y = (u[2:] - u[:-2]) / (2 * dy)
    v_y = (v[2:] - v[:-2]) / (2 * dy)
    return rho * ((u_x + v_y) / dt - u_x**2 - 2 * u_y * v_x - v_y**2)


def _solve_pressure(p, source, nit, dx, dy):
    """Jacobi sweeps, with no gradient across the walls."""
    scale = 2 * (dx**2 + dy**2)
    for sweep in range(nit):
        along_x = (_east(p) + _west(p))[1:-1]
        along_y = p[2:] + p[:-2]
        p[1:-1] = (dy**2 * along_x + dx**2 * along_y - dx**2 * dy**2 * source) / scale
        p[-1] = p[-2]
        p[0] = p[1]


def _moved(f, u, v, push, dt, dx, dy, nu):
    """A velocity component between the walls after one time step."""
    mid = f[1:-1]
    west = _west(f)[1:-1]
    carried = u[1:-1] * (mid - west) / dx + v[1:-1] * (mid - f[:-2]) / dy
    spread = (_east(f)[1:-1] - 2 * mid + west) / dx**2 + (f[2:] - 2 * mid + f[:-2]) / dy**2
    return mid + dt * (nu * spread - carried + push)


def channel_flow(nit, u, v, dt, dx, dy, p, rho, nu, F):
    """Flow between two walls, driven by a force, until it is steady.

    The Navier-Stokes equations as in a closed box, but what leaves the channel
    on the right comes back on the left. Returns the number of time steps until
    the sum of the velocities along the channel grows by less than a
    thousandth.
    """
    steps = 0
    growth = 1.0
    while growth > 0.001:
        before = np.sum(u)
        _solve_pressure(p, _pressure_source(u, v, rho, dt, dx, dy), nit, dx, dy)
        push_x = F - (_east(p) - _west(p))[1:-1] / (2 * rho * dx)
        push_y = (p[:-2] - p[2:]) / (2 * rho * dy)
        new_u = _moved(u, u, v, push_x, dt, dx, dy, nu)
        new_v = _moved(v, u, v, push_y, dt, dx, dy, nu)
        u[1:-1] = new_u
        v[1:-1] = new_v
        u[0] = 0
        u[-1] = 0
        v[0] = 0
        v[-1] = 0
        growth = (np.sum(u) - before) / np.sum(u)
        steps += 1
    return steps
