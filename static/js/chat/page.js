// Elements that several behaviours share, and the one moment they all wait for.
export const chat = document.getElementById("chat");
export const messages = document.getElementById("messages");
export const composer = document.getElementById("composer");
export const input = document.getElementById("id_text");

/** The line under the answer that is coming, or null. */
export function running() {
  return messages.querySelector(".meta[data-status=running]");
}

/** Call back after each change of the thread, whether it came by socket or by HTTP. */
export function onChange(callback) {
  chat.addEventListener("htmx:wsAfterMessage", callback);
  document.addEventListener("htmx:afterSettle", callback);
}

export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A question as it was typed. */
export function sourceOf(question) {
  return question.querySelector(".question-source").textContent;
}

export function tokens(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "token" : "tokens"}`;
}

/** A rough count; the provider's own figure follows with the answer. */
export function estimateTokens(characters) {
  return Math.ceil(characters / 4);
}

export function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** An empty text removes the key. A full or forbidden store only means that nothing is kept. */
export function store(key, text) {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    return;
  }
}
