// Pages of the admin site, which show messages in a list of their own.
import { keepForms } from "./kept_forms.js";

keepForms((text) => {
  const list = document.createElement("ul");
  const message = document.createElement("li");
  list.className = "messagelist";
  list.role = "status";
  message.className = "info";
  message.textContent = text;
  list.append(message);
  document.getElementById("content").before(list);
});

// Django's "No, take me back" goes back in the browser's history, where the page that asked for a password may be.
const above = [...document.querySelectorAll(".breadcrumbs a")].at(-1);
if (above && !document.body.classList.contains("popup")) {
  for (const link of document.querySelectorAll('.cancel-link[href="#"]')) {
    link.href = above.href;
    link.addEventListener("click", (event) => event.stopImmediatePropagation(), true);
  }
}
