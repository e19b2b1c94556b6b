// Variables and includes are marked behind the text, an include is inserted at the cursor, and leaving with unsaved text
// is asked about.
const marked = /\{\{\s*[A-Za-z_][A-Za-z0-9_]*\s*\}\}|@@@langfusePrompt:[^@]*@@@/g;
let isUnsaved = false;
let isSaving = false;

function paint(text) {
  const parts = [];
  let end = 0;
  for (const found of text.value.matchAll(marked)) {
    const mark = document.createElement("mark");
    mark.className = "var";
    mark.textContent = found[0];
    parts.push(text.value.slice(end, found.index), mark);
    end = found.index + found[0].length;
  }
  // The last line counts only where something follows it.
  text.previousElementSibling.replaceChildren(...parts, `${text.value.slice(end)}\n`);
}

function begin() {
  const form = document.getElementById("editor");
  isUnsaved ||= form.hasAttribute("data-unsaved");
  for (const text of form.querySelectorAll(".editor > textarea")) paint(text);
}

// Where the cursor was last, by the name of its field: htmx replaces the field itself.
let lastText = "";
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#editor .editor > textarea")) lastText = target.name;
});
document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-insert-include]")) return;
  const texts = [...document.querySelectorAll("#editor .editor > textarea")];
  const text = texts.find((one) => one.name === lastText) ?? texts.at(-1);
  document.getElementById("include-picker").hidePopover();
  if (!text) return;
  text.focus();
  text.setRangeText(document.getElementById("include-target").value, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("input", ({ target }) => {
  if (!target.closest("#editor") || target.closest("#include-picker")) return;
  isUnsaved = true;
  if (target.matches(".editor > textarea")) paint(target);
});
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (!target.closest("#editor")) return;
  isUnsaved = true;
  begin();
});
// A preview that comes after the form was sent makes nothing unsaved.
document.addEventListener("submit", ({ target }) => { isSaving = target.id === "editor"; });
addEventListener("pageshow", () => { isSaving = false; });
addEventListener("beforeunload", (event) => {
  if (isUnsaved && !isSaving) event.preventDefault();
});
begin();
