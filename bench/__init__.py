"""Side-by-side benchmarks: ratios from one run on one machine, never absolute times in a test."""
