"""Filters and tags of the templates. May import the pages and the apps."""
