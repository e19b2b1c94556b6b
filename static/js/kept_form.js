// A form that was sent after the session had ended, or before its user had confirmed who they are, is filled in again.
import { toast } from "./toasts.js";

const key = "kept-form";
// Pages that stand between a form and its answer.
const doors = document.body.dataset.doors.split(" ");

function refill(form, values) {
  for (const [name, value] of values) {
    const field = form.elements[name];
    if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = true;
    else if (field) field.value = value;
  }
  toast("Your input is back: check it and send it once more.");
}

function keep(event) {
  const form = event.target;
  if (form.method !== "post") return;
  const secret = (name) => ["password", "hidden", "file"].includes(form.elements[name]?.type);
  const values = [...new FormData(form)].filter(([name]) => !secret(name));
  const index = [...document.forms].indexOf(form);
  sessionStorage.setItem(key, JSON.stringify({ page: location.pathname, index, values }));
}

const kept = JSON.parse(sessionStorage.getItem(key));
if (!doors.includes(location.pathname)) {
  sessionStorage.removeItem(key);
  if (kept?.isAtDoor && kept.page === location.pathname && document.forms[kept.index]) {
    refill(document.forms[kept.index], kept.values);
  }
  document.addEventListener("submit", keep);
} else if (kept) {
  sessionStorage.setItem(key, JSON.stringify({ ...kept, isAtDoor: true }));
}
