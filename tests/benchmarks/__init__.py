"""Tests of the benchmarks' own code: rounds, tables, plots, tokens and counts."""
