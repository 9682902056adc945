"""How fast this package is, as ratios to named peers measured in the same run."""
