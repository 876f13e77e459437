// The new-project form: saved while it is typed, restored when it is opened again, sent once.
import { keep, markSent, read } from "./drafts.js";

const form = document.querySelector("form[data-draft]");
const name = form.dataset.draft || "own"; // empty: the server returned the answers with an error
const note = form.querySelector("[data-draft-note]");
const interview = document.getElementById("interview");
const adder = interview.querySelector("[data-add-question]");

const values = () =>
  [...new FormData(form)].filter(([field]) => field !== "csrfmiddlewaretoken" && field !== "form_id");

function addQuestion(question = "", answer = "") {
  const entry = document.getElementById("own-question").content.cloneNode(true);
  const [first, second] = [entry.querySelector("input"), entry.querySelector("textarea")];
  [first.value, second.value] = [question, answer];
  adder.closest("p").before(entry);
  return first;
}

function restore(draft) {
  const answers = new Map();
  let question = "";
  for (const [field, value] of draft) {
    if (field === "question") question = value;
    else if (field === "answer") answers.set(question, value);
    else if (form.elements[field]) form.elements[field].value = value;
  }
  for (const asked of form.querySelectorAll("input[name=question]")) {
    const box = asked.closest(".field").querySelector("textarea");
    if (answers.has(asked.value)) box.value = answers.get(asked.value);
    answers.delete(asked.value);
  }
  for (const [text, answer] of answers) if (text || answer) addQuestion(text, answer);
}

const draft = form.dataset.draft === "own" ? read(name) : null;
if (draft?.some(([field, value]) => field !== "question" && value.trim())) {
  restore(draft);
  note.textContent = "Your draft is back.";
}
adder.hidden = false;
adder.addEventListener("click", () => addQuestion().focus());
form.querySelector("[data-focus]")?.focus();

let timer = 0;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    note.textContent = keep(name, values()) ? "Saved in this browser as you type." : "";
  }, 300);
});
form.addEventListener("submit", () => {
  clearTimeout(timer);
  keep(name, values());
  markSent(name);
  for (const button of form.querySelectorAll("button.button")) button.disabled = true;
});
addEventListener("pageshow", () => {
  for (const button of form.querySelectorAll("button.button")) button.disabled = false;
});
