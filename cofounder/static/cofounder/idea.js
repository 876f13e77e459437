// The box for the sentence: kept in this browser while it is typed, and until an interview has begun with it.
import { keep, markSent, read } from "./drafts.js";

const form = document.querySelector("form[data-draft]");
const box = form.querySelector("textarea");
const note = form.querySelector("[data-draft-note]");
const NAME = form.dataset.draft;

if (!box.value && read(NAME)) {
  box.value = read(NAME);
  note.textContent = "What you wrote is back.";
}
box.addEventListener("input", () => keep(NAME, box.value));
form.addEventListener("submit", () => {
  keep(NAME, box.value);
  markSent(NAME);
});
