"""The frame around every page."""

import config
from web import Safe, markup

MARK = Safe(
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"'
    ' stroke-linejoin="round" aria-hidden="true"><path d="M14.5 4.5a4.5 4.5 0 0 0-4.3 5.9L4 16.6a2 2 0 0 0 0'
    ' 2.8l.6.6a2 2 0 0 0 2.8 0l6.2-6.2a4.5 4.5 0 0 0 5.7-5.7l-2.7 2.7-2.6-.7-.7-2.6z"/></svg>'
)


def layout(title, body):
    return markup(
        """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title · $cafe</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/theme.css">
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top"><div class="wrap">
<a class="brand" href="/">$mark $cafe</a>
<nav aria-label="Pages"><a href="/bring">Bring</a><a href="/saved">Saved</a><a href="/volunteers">Volunteers</a></nav>
</div></header>
<main id="main" class="wrap">$body</main>
<footer class="foot"><div class="wrap"><p>A repair café of neighbours. Names and phone numbers are deleted after
$days days; only the counts stay.</p></div></footer>
</body>
</html>""",
        title=title,
        cafe=config.CAFE,
        mark=MARK,
        body=body,
        days=config.KEEP_DAYS,
    )
