"""How tokens and keys are written: base64url, JSON, compact JWS, signature algorithms."""
