"""Counts the processor instructions of a request and of its steps, with Valgrind's cachegrind.

Unlike times, these counts repeat to a fraction of a per cent on a busy machine.
"""
