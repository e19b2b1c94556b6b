// The one message that was sent and is neither accepted nor refused yet. It outlives the connection it was sent on.
import { composer } from "./page.js";

let message = null;
let stopped = false;

export function pending() {
  return message;
}

/** Whether it was stopped already: its run is not to go on. */
export function withdrawn() {
  return stopped;
}

export function withdraw() {
  stopped = true;
}

export function put(sent) {
  message = sent;
  stopped = false;
  composer.dataset.pending = "";
}

export function settle() {
  message = null;
  delete composer.dataset.pending;
}
