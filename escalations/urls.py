"""Addresses of the API of escalations."""

from django.urls import path

from escalations import api

urlpatterns = [
    path("escalations", api.EscalationsView.as_view()),
    path("escalations/<uuid:escalation_id>", api.EscalationView.as_view()),
    path("escalations/<uuid:escalation_id>/resolve", api.ResolveView.as_view()),
    path("jobs/<uuid:job_id>/escalations", api.JobEscalationsView.as_view()),
]
