"""The environment variables by which a run configures the application that a server loads."""

FRAMEWORK = "MATRIX_FRAMEWORK"
"""The module of the application."""

ISSUER = "MATRIX_ISSUER"
AUDIENCE = "MATRIX_AUDIENCE"
JWKS_URI = "MATRIX_JWKS_URI"

EARLY_TOKEN = "MATRIX_EARLY_TOKEN"
"""A token that is verified when the server loads the application, which may be before it forks."""

START_FAILS = "MATRIX_START_FAILS"
"""Makes the start of the application fail."""

SCOPE = "read:items"
"""The scope that every request needs which is not public."""
