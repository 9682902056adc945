"""What this package is held against."""
