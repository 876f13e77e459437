"""Tests of the interview's room."""
