// Connects a form to the browser's keys; allauth's script does the rest. A refusal is said beside the button.
for (const form of document.querySelectorAll("form[data-key]")) {
  const { key, button, credential } = form.dataset;
  const named = key === "addForm" ? { add: button } : { authenticate: button };
  window.allauth.webauthn.forms[key]({ ids: { ...named, credential, data: "js_data" } });
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const form = document.querySelector("form[data-key]");
  const words = form.querySelector("[role=alert]") ?? form.appendChild(document.createElement("p"));
  words.setAttribute("role", "alert");
  words.className = "wrong-words";
  words.textContent = "That did not work. Try again, or use another way.";
});
