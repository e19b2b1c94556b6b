// Images and files that every panel sends: chosen, pasted or dropped.
import { filesPasted, takeDrops, uploads } from "../uploads.js";
import { save } from "./autosave.js";

const list = document.getElementById("playground-files");
const form = document.getElementById("shared");
const chooser = document.getElementById("file-input");
const announcer = document.getElementById("announcer");

if (chooser) {
  const add = uploads({ list, changed: () => save(form), announce: (text) => { announcer.textContent = text; } });
  document.getElementById("attach").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  document.addEventListener("paste", (event) => add(filesPasted(event)));
  takeDrops(form, add);
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("[data-remove-file]")?.closest(".file-chip");
    if (!item) return;
    item.dispatchEvent(new Event("file:removed"));
    item.remove();
    save(form);
  });
}
