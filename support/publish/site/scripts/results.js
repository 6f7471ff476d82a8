"use strict";
// The choice of results. The address keeps it: #machine=…&model=…&precision=…&extent=…&state=….

const choose = document.getElementById("choose");
const fields = [...choose.querySelectorAll("select")];
const settings = [...document.querySelectorAll(".setting")];
const opened = new Map(settings.map((one) => [one, one.open]));

function apply() {
  const chosen = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  const fits = (value, wanted) => !wanted || value === wanted;
  let count = 0;
  for (const one of settings) {
    const { machine, precision, extent } = one.dataset;
    const { model } = one.closest("section").dataset;
    one.hidden = !(fits(machine, chosen.machine) && fits(precision, chosen.precision) &&
      fits(extent, chosen.extent) && fits(model, chosen.model));
    const narrow = chosen.machine || chosen.precision || chosen.extent;
    one.open = !one.hidden && (opened.get(one) || Boolean(narrow));
    count += !one.hidden;
    for (const row of one.querySelectorAll("tr[data-state]")) {
      row.hidden = !fits(row.dataset.state, chosen.state);
    }
  }
  for (const section of document.querySelectorAll("section.figures")) {
    section.hidden = !fits(section.dataset.model, chosen.model);
  }
  choose.querySelector("output").textContent = count ? "" : "Nothing was measured so.";
}

function remember() {
  const chosen = fields.filter(({ value }) => value).map(({ name, value }) => [name, value]);
  history.replaceState(null, "", "#" + new URLSearchParams(chosen));
}

function recall() {
  const wanted = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  for (const one of fields) {
    const value = wanted.get(one.name) ?? "";
    one.value = [...one.options].some((option) => option.value === value) ? value : "";
  }
  apply();
}

choose.addEventListener("change", () => { remember(); apply(); });
choose.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", recall);
recall();
