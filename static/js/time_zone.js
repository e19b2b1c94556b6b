// Offers the time zone of the browser where the profile has another one.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const select = document.getElementById("id_time_zone");
const offer = document.getElementById("browser-zone");
if ([...select.options].some((option) => option.value === zone) && select.value !== zone) {
  offer.querySelector("span").textContent = zone;
  offer.hidden = false;
  select.closest(".field").after(offer);
  offer.querySelector("button").addEventListener("click", () => {
    select.value = zone;
    offer.hidden = true;
    select.focus();
  });
}
