"""The operators' commands about agents. Nothing imports it."""
