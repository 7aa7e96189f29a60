"""Configures Django before the tests import models, Django REST framework or django-ninja."""

from tests.asgi_bearer.frameworks.django import django_site

__all__ = ["django_site"]
