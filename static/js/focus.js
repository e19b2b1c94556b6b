// A control that htmx disables for the time of a request, or replaces, takes the focus with it: it comes back to that
// control, to the one of the same name in its place, to what opens the menu it stood in, or else to what was replaced.
const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
const held = new WeakMap();

export function isLost() {
  return document.activeElement === document.body;
}

export function nameOf(control) {
  return control.getAttribute("aria-label") ?? control.textContent.trim();
}

/** The controls of this name, as far as they can be reached, or all of them where there is no name. */
export function reachable(part, name) {
  return [...part.querySelectorAll(controls)].filter((each) => each.checkVisibility() && (name === undefined || nameOf(each) === name));
}

function withOpener(control) {
  const menu = control.closest("[popover]");
  return [control, menu && document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`)].filter(Boolean);
}

function successor(control, target) {
  return control.isConnected ? control : reachable(target, nameOf(control))[0];
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const control = document.activeElement;
  // Scripts ask in the name of the whole page.
  const parts = [detail.target, detail.elt].filter((part) => part !== document.body);
  if (parts.some((part) => part.contains(control))) held.set(detail.xhr, withOpener(control));
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const target = detail.target.isConnected ? detail.target : document.getElementById(detail.target.id);
  if (!target || !held.has(detail.xhr)) return;
  for (const control of held.get(detail.xhr)) {
    if (isLost()) successor(control, target)?.focus();
  }
  if (!isLost()) return;
  target.tabIndex = -1;
  // It may be higher than the window, which would then show its end.
  target.focus({ preventScroll: true });
});
