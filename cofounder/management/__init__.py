"""The commands of `manage.py` about the installation. Nothing imports it."""
