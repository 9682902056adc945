"""Frames drawn to be labelled, the file of their labels, and the pages to label on."""
