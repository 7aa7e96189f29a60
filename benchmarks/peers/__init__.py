"""Applications that guard one path, each by another library, for the same drills.

Each module is used as its library's documentation shows, with the defaults for keys; `<name>.txt`
beside it says what it needs.
"""
