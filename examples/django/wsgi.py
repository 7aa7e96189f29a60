"""Start it in the checkout with `gunicorn examples.django.wsgi:app`. WSGI has no WebSockets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django.settings")
app = get_wsgi_application()
