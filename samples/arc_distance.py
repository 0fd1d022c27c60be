import numpy as np


def arc_distance(theta_1, phi_1, theta_2, phi_2):
    """Angles between pairs of points on the unit sphere.

    The haversine formula: with latitudes theta and longitudes phi, the angle
    is 2 atan2(sqrt(h), sqrt(1 - h)), where h is the sum of sin^2 of half the
    difference in latitude and of cos theta_1 cos theta_2 sin^2 of half the
    difference in longitude.
    """
    half_lat = 0.5 * (theta_2 - theta_1)
    half_lon = 0.5 * (phi_2 - phi_1)
    h = np.sin(half_lat)**2 + np.cos(theta_1) * np.cos(theta_2) * np.sin(half_lon)**2
    return 2.0 * np.arctan2(np.sqrt(h), np.sqrt(1.0 - h))
