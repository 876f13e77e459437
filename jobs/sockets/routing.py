"""WebSocket addresses."""

from django.urls import URLPattern, path

from jobs.sockets.consumer import JobConsumer

websocket_urlpatterns: list[URLPattern] = [path("ws/jobs/<str:job_id>/", JobConsumer.as_asgi())]
