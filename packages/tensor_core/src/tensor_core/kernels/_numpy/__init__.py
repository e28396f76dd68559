"""The fused loops in plain NumPy, one family a file."""
