// A question that was never answered goes back into the input. Sent again, it is another wording of the same question.
import { clear, restore } from "./files.js";
import { chat, composer, input, messages, onChange, running, sourceOf } from "./page.js";
import { pending } from "./outbox.js";

const hint = document.getElementById("returned");
let awaited = Boolean(running());
let question = null;

/** The last question, where nothing at all came in answer to it. */
function unanswered() {
  const answer = messages.lastElementChild;
  const ended = answer?.querySelector(".meta:is([data-status=failed], [data-status=interrupted])");
  const said = answer?.querySelector(".prose:not(:empty), .reasoning > div:not(:empty)");
  const asked = answer?.previousElementSibling;
  return ended && !said && asked?.matches(".question") ? asked : null;
}

function put(text) {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** As long as it is in the input, what is sent takes the question's place; into an emptied input something new is written. */
function place() {
  const text = question && input.value ? "Your message is back in the box. Sending it replaces the failed one." : "";
  if (hint.textContent !== text) hint.textContent = text;
  if (!question) return;
  composer.elements.parent.value = text ? question.dataset.parent : messages.lastElementChild.id.replace("message-", "");
  if (!text) question = null;
}

function sync() {
  if (running() || pending()) return;
  const failed = unanswered();
  if (question && !failed && input.value === sourceOf(question)) {
    const { files } = question.dataset;
    put("");
    if (files) clear();
  }
  question = failed && (failed.id === question?.id || input.value === sourceOf(failed) || (awaited && !input.value)) ? failed : null;
  if (question && awaited && !input.value) {
    put(sourceOf(question));
    restore(question.dataset.files ?? "");
  }
  awaited = false;
  place();
}

chat.addEventListener("chat:sent", () => { awaited = true; });
input.addEventListener("input", place);
onChange(sync);
sync();
