"use strict";
// The question of the first page: leads to the page of the pair that is chosen.

const ask = document.getElementById("ask");
const paths = new Set(JSON.parse(document.getElementById("pairs").textContent));

function chosen() {
  return `from/${ask.known.value}/to/${ask.needed.value}/index.html`;
}

function say() {
  const same = ask.known.value === ask.needed.value;
  const known = ask.known.selectedOptions[0].textContent;
  const there = paths.has(chosen());
  ask.querySelector("button").disabled = !there;
  ask.querySelector("output").textContent = there ? "" :
    same ? "These are the same." : `There is no page from ${known} to this one: see its page below.`;
}

ask.addEventListener("change", say);
ask.addEventListener("submit", (event) => {
  event.preventDefault();
  if (paths.has(chosen())) location.href = chosen();
});
say();
