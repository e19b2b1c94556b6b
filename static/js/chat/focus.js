// A turn that is swapped away takes the focus with it: it comes back to the control of the same name in the turn at that
// place, from an arrow at the end of its row to the other one, or else to where one writes on.
import { isLost, nameOf, reachable } from "../focus.js";
import { chat, input, messages } from "./page.js";

let last = null;

messages.addEventListener("focusin", ({ target }) => {
  last = { control: target, name: nameOf(target), place: [...messages.children].indexOf(target.closest(".turn")) };
});

function successor() {
  const turn = messages.children[last.place];
  const arrows = last.control.closest(".siblings") && turn?.querySelector(".siblings");
  return (turn && reachable(turn, last.name)[0]) ?? (arrows && reachable(arrows)[0]) ?? input ?? turn;
}

function bringBack() {
  if (!last || last.control.isConnected || !isLost()) return;
  const element = successor();
  if (element?.matches(".turn")) element.tabIndex = -1;
  element?.focus({ preventScroll: element === input });
}
messages.addEventListener("htmx:afterSwap", bringBack);
chat.addEventListener("htmx:wsAfterMessage", bringBack);
