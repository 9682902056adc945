"""Constants of nature, exact since 2019."""

__all__ = ["HC_EV_ANGSTROM", "JOULE_IN_EV"]

HC_EV_ANGSTROM = 12398.419843320026  # h c / e
JOULE_IN_EV = 1 / 1.602176634e-19
