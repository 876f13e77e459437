// A sign-in link changes nothing by being opened; this presses its button.
document.querySelector("form[data-enter]")?.requestSubmit();
