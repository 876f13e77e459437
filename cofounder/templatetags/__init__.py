"""Filters and tags of the templates. May import the pages' figures and the apps."""
