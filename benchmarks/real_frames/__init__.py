"""How every method does on real frames of many detectors, without any label."""
