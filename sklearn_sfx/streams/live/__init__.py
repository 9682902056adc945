"""A page beside a watch: what it finds, frames to look at and to label, a threshold to move."""
