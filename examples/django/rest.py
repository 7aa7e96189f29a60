"""Items in Django REST framework."""

from rest_framework.response import Response
from rest_framework.views import APIView

from asgi_bearer.django.rest_framework import GuardedRequest, HasReadWriteScopes


class Items(APIView):
    """Reading and writing need different scopes."""

    permission_classes = (HasReadWriteScopes("read:items", write="write:items"),)

    def get(self, request: GuardedRequest) -> Response:
        return Response({"owner": request.auth.subject})

    def post(self, request: GuardedRequest) -> Response:
        return Response({"owner": request.auth.subject}, status=201)
