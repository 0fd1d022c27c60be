import numpy as np


def _pressure_source(u, v, rho, dt, dx, dy):
    """Right-hand side of the pressure equation on the inner points."""
    u_x = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)
    u_y = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dy)
    v_x = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx)
    v_y = (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy)
    return rho * ((u_x + v_y) / dt - u_x**2 - 2 * u_y * v_x - v_y**2)


def _solve_pressure(p, source, nit, dx, dy):
    """Jacobi sweeps: no gradient across three walls, zero at the lid."""
    scale = 2 * (dx**2 + dy**2)
    for sweep in range(nit):
        along_x = p[1:-1, 2:] + p[1:-1, :-2]
        along_y = p[2:, 1:-1] + p[:-2, 1:-1]
        p[1:-1, 1:-1] = (dy**2 * along_x + dx**2 * along_y - dx**2 * dy**2 * source) / scale
        p[:, -1] = p[:, -2]
        p[0] = p[1]
        p[:, 0] = p[:, 1]
        p[-1] = 0


def _moved(f, u, v, push, dt, dx, dy, nu):
    """The inner points of a velocity component after one time step."""
    mid = f[1:-1, 1:-1]
    carried = (u[1:-1, 1:-1] * (mid - f[1:-1, :-2]) / dx + v[1:-1, 1:-1] * (mid - f[:-2, 1:-1]) / dy)
    spread = ((f[1:-1, 2:] - 2 * mid + f[1:-1, :-2]) / dx**2 + (f[2:, 1:-1] - 2 * mid + f[:-2, 1:-1]) / dy**2)
    return mid + dt * (nu * spread - carried - push)


def cavity_flow(nx, ny, nt, nit, u, v, dt, dx, dy, p, rho, nu):
    """Flow in a box whose lid moves, by the Navier-Stokes equations.

    In each of nt time steps the pressure that keeps the flow free of
    divergence is relaxed nit times, then both velocity components are carried
    upwind, pushed by the pressure and diffused. The walls hold the fluid; the
    lid moves with velocity 1.
    """
    for step in range(nt):
        _solve_pressure(p, _pressure_source(u, v, rho, dt, dx, dy), nit, dx, dy)
        push_x = (p[1:-1, 2:] - p[1:-1, :-2]) / (2 * rho * dx)
        push_y = (p[2:, 1:-1] - p[:-2, 1:-1]) / (2 * rho * dy)
        new_u = _moved(u, u, v, push_x, dt, dx, dy, nu)
        new_v = _moved(v, u, v, push_y, dt, dx, dy, nu)
        u[1:-1, 1:-1] = new_u
        v[1:-1, 1:-1] = new_v

        u[0] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1] = 1
        v[0] = 0
        v[-1] = 0
        v[:, 0] = 0
        v[:, -1] = 0
