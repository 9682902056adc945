"""Damaged files of every format: each is read as it was, refused, or read as others read it."""
