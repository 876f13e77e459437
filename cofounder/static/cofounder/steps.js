// The new-project form, one step at a time. The address holds the step, so that the browser's Back works.
const form = document.querySelector("form[data-draft]");
const steps = [...form.querySelectorAll(":scope > fieldset")];
const review = document.getElementById("review");
const isStepwise = matchMedia("(scripting: enabled)").matches; // the style sheet asks the same

const current = () => steps.find((step) => step.classList.contains("current"));

function show(step) {
  for (const each of steps) each.classList.toggle("current", each === step);
  for (const link of form.querySelectorAll(".trail a")) {
    if (link.hash === `#${step.id}`) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
  }
  if (step === review) fillReview();
}

function asked() {
  const wanted = location.hash.slice(1);
  return steps.find((step) => step.id === wanted) ?? steps[0];
}

function follow() {
  const step = asked();
  if (step === current()) return;
  show(step);
  scrollTo(0, 0);
  step.querySelector("legend").focus({ preventScroll: true });
}

// --- the review ---------------------------------------------------------------------------------------------

// What was asked and answered in a field; for the founder's own question, with its text.
function answerOf(field) {
  const own = field.querySelector("input[name=question]:not([type=hidden])");
  const box = field.querySelector("textarea") ?? field.querySelector("input:not([type=hidden])");
  return [own ? own.value : field.querySelector("label").textContent, box.value.trim(), field.hasAttribute("data-needed")];
}

function line(question, answer) {
  const row = document.createElement("div");
  const [asked, said] = [document.createElement("dt"), document.createElement("dd")];
  asked.textContent = question;
  said.textContent = answer || "Still needed";
  said.classList.toggle("needed", !answer);
  row.append(asked, said);
  return row;
}

function fillReview() {
  for (const list of review.querySelectorAll("dl[data-of]")) {
    const fields = [...document.getElementById(list.dataset.of).querySelectorAll(".field")].map(answerOf);
    const said = fields.filter(([question, answer, isNeeded]) => (question && answer) || isNeeded);
    list.replaceChildren(...said.map(([question, answer]) => line(question, answer)));
    list.nextElementSibling.hidden = said.length > 0;
  }
}

// --- next step ----------------------------------------------------------------------------------------------

// Enter in a field goes to the next step; only the last step sends.
form.addEventListener("submit", (event) => {
  if (!isStepwise || current() === review) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  location.hash = steps[steps.indexOf(current()) + 1].id;
}, true); // before the draft counts as sent
addEventListener("hashchange", follow);

const wrong = form.querySelector(".wrong")?.closest("fieldset");
show(wrong ?? asked());
