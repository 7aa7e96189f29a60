"""The URLs of the example."""

from django.contrib import admin
from django.urls import path

from examples.django import rest, views
from examples.django.ninja_api import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz),
    path("items", views.items),
    path("items/<name>", views.Item.as_view()),
    path("reports", views.reports),
    path("rest/items", rest.Items.as_view()),
    path("ninja/", api.urls),
]
