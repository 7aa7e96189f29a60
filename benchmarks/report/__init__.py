"""Results of benchmarks: ratios measured in rounds, their tables and their plots."""
