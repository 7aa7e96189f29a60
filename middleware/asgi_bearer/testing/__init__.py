from asgi_bearer.testing.audit import assert_guarded as assert_guarded
