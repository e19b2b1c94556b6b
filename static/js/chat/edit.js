// Editing a question: its text becomes a form, which sends a new branch with the files that are in it.
import { messages, sourceOf } from "./page.js";
import { restore } from "./files.js";
import { pending } from "./outbox.js";

const template = document.getElementById("edit-template");

/** A question of files alone has no text. */
function toggleText(question, isShown) {
  question.querySelector(".question-text")?.toggleAttribute("hidden", !isShown);
}

export function edit(question) {
  if (question.querySelector("form.edit")) return;
  const form = template.content.firstElementChild.cloneNode(true);
  form.elements.parent.value = question.dataset.parent;
  form.elements.text.value = sourceOf(question);
  toggleText(question, false);
  question.append(form);
  restore(question.dataset.files ?? "", form);
  htmx.process(form);
  form.elements.text.focus();
}

function close(form) {
  const question = form.closest(".question");
  form.remove();
  toggleText(question, true);
  question.querySelector("[data-edit]").focus();
}

messages.addEventListener("click", (event) => {
  if (event.target.closest("[data-edit]")) edit(event.target.closest(".question"));
  else if (event.target.closest("[data-cancel]")) close(event.target.closest("form"));
});
messages.addEventListener("keydown", (event) => {
  const form = event.target.closest("form.edit");
  // What was just sent from here is stopped by the same key.
  if (!form || event.key !== "Escape" || pending()) return;
  event.stopPropagation();
  close(form);
});
