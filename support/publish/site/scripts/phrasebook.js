"use strict";
// The filter of the phrasebook. The address keeps it: #find=…&frameworks=A,B; a bare #task is a jump.

const field = document.getElementById("find");
const boxes = [...document.querySelectorAll("input[name=framework]")];
const sections = [...document.querySelectorAll(".task")].map((section) => ({
  section,
  heading: [section.querySelector("h2").textContent, section.querySelector(".about").textContent,
    section.dataset.aliases].join(" ").toLowerCase(),
  link: document.querySelector(`.rail a[href="#${section.id}"]`).parentElement,
  entries: [...section.querySelectorAll(".entry")].map((entry) => ({
    entry,
    family: entry.dataset.family,
    text: (entry.querySelector("h3").textContent + " " +
      [...entry.querySelectorAll("code, .reason")].map((e) => e.textContent).join(" ")).toLowerCase(),
  })),
}));
const places = [...document.querySelectorAll(".place")];

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  let count = 0;
  for (const { section, heading, link, entries } of sections) {
    // what one framework says finds the task, and with it what the others say
    const fits = ({ text }) => words.every((word) => heading.includes(word) || text.includes(word));
    const any = entries.some(fits);
    for (const { entry, family } of entries) {
      entry.hidden = !any || (chosen.length > 0 && !chosen.includes(family));
      if (!entry.hidden) count += 1;
    }
    section.hidden = link.hidden = !any;
  }
  document.getElementById("nothing").hidden = count > 0;
  document.getElementById("count").textContent = `${count} phrases`;
  for (const heading of document.querySelectorAll(".rail h2")) {
    heading.hidden = [...heading.nextElementSibling.children].every((item) => item.hidden);
  }
  aim(chosen);
}

// With two or three frameworks chosen, a phrase's link opens just these side by side.
function aim(chosen) {
  for (const place of places) {
    const { family } = place.closest(".entry").dataset;
    const others = chosen.length <= 3 ? chosen.filter((other) => other !== family) : [];
    const { model, tag } = place.dataset;
    place.hash = [model, family, ...others, tag].join("/");
  }
}

function remember() {
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const parts = [];
  if (field.value) parts.push("find=" + encodeURIComponent(field.value));
  if (chosen.length) parts.push("frameworks=" + chosen.join(","));
  history.replaceState(null, "", "#" + parts.join("&"));
}

function recall() {
  if (location.hash.includes("=")) {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const chosen = (wanted.get("frameworks") ?? "").split(",");
    field.value = wanted.get("find") ?? "";
    for (const box of boxes) box.checked = chosen.includes(box.value);
  }
  filter();
}

field.form.addEventListener("input", () => { filter(); remember(); });
field.form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", recall);
recall();
