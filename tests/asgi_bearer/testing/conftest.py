"""Configures Django, as its own tests do, before tests import models or Django REST framework."""

from tests.asgi_bearer.frameworks.django import django_site

__all__ = ["django_site"]
