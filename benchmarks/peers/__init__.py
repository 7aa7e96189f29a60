"""Adapters: applications that guard the same path, each with another library.

Each uses its library as the documentation shows, with the library's defaults for keys;
`requirements/<name>.txt` lists what it needs.
"""
