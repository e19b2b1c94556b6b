// The one message that was sent and is neither accepted nor refused yet. It outlives the connection it was sent on.
import { composer } from "./page.js";

let message = null;

export function pending() {
  return message;
}

export function put(sent) {
  message = sent;
  composer.dataset.pending = "";
}

export function settle() {
  message = null;
  delete composer.dataset.pending;
}
