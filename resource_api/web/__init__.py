"""HTTP beside the contacts: bodies, problems, probes, OpenAPI, limits, the access log."""
