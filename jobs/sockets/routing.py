"""WebSocket addresses."""

from django.urls import URLPattern, path

from jobs.sockets.consumer import JobConsumer
from jobs.sockets.interview import InterviewConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/jobs/<str:job_id>/", JobConsumer.as_asgi()),
    path("ws/interviews/<str:interview_id>/", InterviewConsumer.as_asgi()),
]
