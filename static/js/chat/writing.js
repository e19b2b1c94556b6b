// What is typed goes into the message box, wherever on the page the focus is.
import { chat, input } from "./page.js";

const withMouse = matchMedia("(pointer: fine)");

/** Not on touch screens, where it would open the keyboard. */
export function focusInput() {
  if (withMouse.matches) input.focus({ preventScroll: true });
}

/** A key that writes one character, pressed where it means nothing else. */
export function toInput(event) {
  const { key, target } = event;
  if ([...key].length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target.closest("input, textarea, select, [contenteditable]") || (key === " " && target !== document.body)) return false;
  // The character itself is for the box that has the focus now.
  input.focus({ preventScroll: true });
  return false;
}

/** Whether Enter sends in this text field; with a modifier it always does, and with Shift never. */
export function sends(event) {
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return withMouse.matches && input.dataset.enter === "send" && event.target.matches("form[ws-send] textarea");
}

if (!location.hash && document.activeElement === document.body) focusInput();
chat.addEventListener("chat:model", focusInput);
