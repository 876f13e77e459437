"""The URLs of the API for builds."""

from django.urls import path

from agents.api import account, builds, files, interviews, money, projects

urlpatterns = [
    path("projects/<uuid:project_id>", projects.ProjectView.as_view()),
    path("projects/<uuid:project_id>/promises", projects.PromisesView.as_view()),
    path("generation/start", builds.StartView.as_view()),
    path("jobs/<uuid:job_id>/status", builds.StatusView.as_view()),
    path("jobs/<uuid:job_id>/wake", builds.WakeView.as_view()),
    path("jobs/<uuid:job_id>/pause", builds.PauseView.as_view()),
    path("jobs/<uuid:job_id>/resume", builds.ResumeView.as_view()),
    path("jobs/<uuid:job_id>/cancel", builds.CancelView.as_view()),
    path("jobs/<uuid:job_id>/messages", builds.MessagesView.as_view()),
    path("jobs/<uuid:job_id>/transcript", builds.TranscriptView.as_view()),
    path("jobs/<uuid:job_id>/documents", builds.DocumentsView.as_view()),
    path("jobs/<uuid:job_id>/spend", money.SpendView.as_view()),
    path("jobs/<uuid:job_id>/snapshots", files.SnapshotsView.as_view()),
    path("jobs/<uuid:job_id>/changes", files.ChangesView.as_view()),
    path("jobs/<uuid:job_id>/restore", files.RestoreView.as_view()),
    path("jobs/<uuid:job_id>/code.zip", files.CodeView.as_view()),
    path("interviews", interviews.InterviewsView.as_view()),
    path("interviews/<uuid:interview_id>", interviews.InterviewView.as_view()),
    path("interviews/<uuid:interview_id>/answers", interviews.AnswersView.as_view()),
    path("interviews/<uuid:interview_id>/approve", interviews.ApproveView.as_view()),
    path("account/delete", account.DeleteView.as_view()),
    path("account/export", account.ExportView.as_view()),
    path("budget", money.BudgetView.as_view()),
    path("budget/today", money.TodayView.as_view()),
]
