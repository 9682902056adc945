"""Whether the method that labels choose is ever worse than counting peaks, and what it expects."""
