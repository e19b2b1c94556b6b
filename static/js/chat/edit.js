// Editing a question: its text becomes a form, which sends a new branch.
import { messages, sourceOf } from "./page.js";
import { restore } from "./files.js";
import { pending } from "./outbox.js";

const template = document.getElementById("edit-template");

export function edit(question) {
  if (question.querySelector("form.edit")) return;
  const form = template.content.firstElementChild.cloneNode(true);
  const text = question.querySelector(".question-text");
  form.elements.parent.value = question.dataset.parent;
  form.elements.text.value = sourceOf(question);
  text.hidden = true;
  question.append(form);
  restore(question.dataset.files ?? "", form.querySelector("[data-files]"));
  htmx.process(form);
  form.elements.text.focus();
}

function close(form) {
  const question = form.closest(".question");
  form.remove();
  question.querySelector(".question-text").hidden = false;
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
