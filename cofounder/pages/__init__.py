"""The founder's pages, one package for each part of the site.

May import `accounts`, `http`, `config` and the apps; a page's room never imports one on its own floor.
"""
