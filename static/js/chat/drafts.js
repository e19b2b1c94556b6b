// What is being written survives a reload. Kept in this browser alone, by user and conversation.
import { chat, input, store, stored } from "./page.js";

const key = () => `draft:${chat.dataset.owner}:${chat.dataset.conversation}`;

const draft = stored(key());
if (draft && !input.value) {
  input.value = draft;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
input.addEventListener("input", () => store(key(), input.value));
