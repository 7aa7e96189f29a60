"""The benchmark of whole requests: real servers, with wrk as their client."""
