// Keys of whoever may send something.
import { composer, input, messages, running } from "./page.js";
import { stop } from "./composer.js";
import { pending } from "./outbox.js";
import { edit } from "./edit.js";
import { onKey } from "./keys.js";
import { openPrompts } from "./prompts.js";
import { choose } from "./models.js";
import { sends, toInput } from "./writing.js";

function send(event) {
  if (!sends(event)) return false;
  (event.target.closest("form[ws-send]") ?? composer).requestSubmit();
  return true;
}

function plain(event) {
  if (event.ctrlKey || event.metaKey) return false;
  if (event.key === "Escape" && !event.repeat && (running() || pending())) stop();
  else if (event.key === "ArrowUp" && event.target === input && !input.value && !running()) {
    const last = [...messages.querySelectorAll(".question")].at(-1);
    if (!last) return false;
    edit(last);
  } else if (event.key === "/" && event.target === input && !input.value) openPrompts();
  else return false;
  return true;
}

function model(event) {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.code !== "KeyM") return false;
  choose();
  return true;
}

onKey(send, plain, model, toInput);
