"""RFC 8037 (Ed25519 in JOSE), appendix A."""

from tests.vectors.signature import SignatureVector

A_4 = SignatureVector(
    source="RFC 8037 A.4",
    alg="EdDSA",
    jwk={"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    signing_input="eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    signature="hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
    "9g7sVvpAr_MuM0KAg",
)

VECTORS = (A_4,)
