// Variables and includes are marked behind the text, and leaving with unsaved text is asked about.
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

document.addEventListener("input", ({ target }) => {
  if (!target.closest("#editor")) return;
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
