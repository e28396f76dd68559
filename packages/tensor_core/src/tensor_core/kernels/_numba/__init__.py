"""The fused loops compiled by Numba, one family a file. Float32 only; float64 takes NumPy's."""
