"""Side-by-side timings against named peers; ``python -m benchmarks`` prints the table."""
