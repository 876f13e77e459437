// Opening a sign-in link changes nothing; this presses the button on its page.
document.querySelector("form[data-enter]")?.requestSubmit();
