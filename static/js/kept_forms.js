// A form that was sent after the session had ended, or before its user had confirmed who they are, is filled in again.
const key = "kept-form";
// Pages that stand between a form and its answer.
const doors = document.querySelector("meta[name=doors]").content.split(" ");

function choices(field) {
  return field instanceof RadioNodeList ? [...field] : [field];
}

function refill(form, values) {
  for (const [name, value] of values) {
    const fields = form.elements[name] ? choices(form.elements[name]) : [];
    const box = fields.find((field) => field.type === "checkbox" && (field.value === value || fields.length === 1));
    if (box) box.checked = true;
    else if (fields[0] && fields[0].type !== "checkbox") form.elements[name].value = value;
    (box ?? fields[0])?.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function keep(event) {
  const form = event.target;
  if (form.method !== "post") return;
  const secret = (name) => ["password", "hidden", "file"].includes(form.elements[name]?.type);
  const values = [...new FormData(form)].filter(([name]) => !secret(name));
  const index = [...document.forms].indexOf(form);
  sessionStorage.setItem(key, JSON.stringify({ page: location.pathname, index, values }));
}

/** Keep what is sent from this page, and bring back what was kept of it; `tell` shows a sentence to the user. */
export function keepForms(tell) {
  const kept = JSON.parse(sessionStorage.getItem(key));
  if (doors.includes(location.pathname)) {
    if (kept) sessionStorage.setItem(key, JSON.stringify({ ...kept, isAtDoor: true }));
    return;
  }
  sessionStorage.removeItem(key);
  if (kept?.isAtDoor && kept.page === location.pathname && document.forms[kept.index]) {
    refill(document.forms[kept.index], kept.values);
    tell("Your input was restored. Check it and submit again.");
  }
  document.addEventListener("submit", keep);
}
