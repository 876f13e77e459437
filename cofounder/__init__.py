"""The site: settings, pages, accounts, and what installs and operates it. May import the three apps."""
