"""Side-by-side benchmarks: ratios of one run on one machine, never absolute times in a test."""
