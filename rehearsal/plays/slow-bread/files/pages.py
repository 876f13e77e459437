"""The frame around every page."""

import config
from web import Safe, markup

MARK = Safe(
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"'
    ' stroke-linejoin="round" aria-hidden="true"><path d="M3 11.5c0-3.6 4-6 9-6s9 2.4 9 6c0 1.6-.9 2.7-2 3.2V18a1.5 1.5'
    ' 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18v-3.3c-1.1-.5-2-1.6-2-3.2zM8.5 9.2l1.6 2.6M12.2 8.8l1.6 2.6M15.9 9.2l1.3 2.2"/></svg>'
)


def layout(title, body):
    return markup(
        """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title · $bakery</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/theme.css">
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top"><div class="wrap">
<a class="brand" href="/">$mark $bakery</a>
<nav aria-label="Pages"><a href="/">Reserve</a><a href="/baker">For the baker</a></nav>
</div></header>
<main id="main" class="wrap">$body</main>
<footer class="foot"><div class="wrap"><p>Sixty loaves a day, and some always stay for those who just walk in.
Phone numbers are deleted after $days days.</p></div></footer>
</body>
</html>""",
        title=title,
        bakery=config.BAKERY,
        mark=MARK,
        body=body,
        days=config.KEEP_DAYS,
    )
