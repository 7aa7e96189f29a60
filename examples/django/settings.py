"""The settings of the example. ISSUER and AUDIENCE name the issuer of the tokens and this API."""

import os

from asgi_bearer import JWTVerifier

ASGI_BEARER = {
    "VERIFIER": JWTVerifier(
        issuer=os.environ.get("ISSUER", "https://tenant.example/"),
        audience=os.environ.get("AUDIENCE", "https://api.example/items"),
    ),
    # The admin has its own sign-in, and django-ninja shows its documentation.
    "PUBLIC": ["/healthz", "/admin/*", "/ninja/docs", "/ninja/openapi.json"],
    "USER": "asgi_bearer.django.PrincipalUser",
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "asgi_bearer.django.BearerMiddleware",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["asgi_bearer.django.rest_framework.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "asgi_bearer.django.rest_framework.exception_handler",
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "asgi_bearer.django",
    "ninja",
    "rest_framework",
]

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the example")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "examples.django.urls"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
