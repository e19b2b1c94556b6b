// Passkeys: a form marked data-passkey is sent with what the authenticator answers.
import { toast } from "./toasts.js";

// A passkey belongs to a host name; browsers make none for a bare address.
const isPossible = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON) && !/^[\d.]+$|:/.test(location.hostname);

async function options(form) {
  const { passkeyUrl } = form.dataset;
  if (!passkeyUrl) return JSON.parse(document.getElementById("passkey-options").textContent).publicKey;
  const response = await fetch(passkeyUrl, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).request_options.publicKey;
}

async function create(form) {
  const wanted = await options(form);
  if (form.elements.passwordless.checked) {
    Object.assign(wanted.authenticatorSelection, { residentKey: "required", requireResidentKey: true });
  }
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(wanted) });
}

async function get(form) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(await options(form)) });
}

async function submit(form) {
  try {
    const credential = form.dataset.passkey === "create" ? await create(form) : await get(form);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    delete form.dataset.sent;
    const isKnown = error.name === "InvalidStateError";
    toast(isKnown ? "This device holds a passkey for your account already." : "No passkey was used. Try again.", "error");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !isPossible && !form.closest("main.shell-main");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isPossible) submit(form);
    else toast("Passkeys need a host name: open this server by its name, for instance http://localhost, not by its address.", "error");
  });
}
