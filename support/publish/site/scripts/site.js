"use strict";
// What every page may need: copying code, tables that sort, a way past the menu.

// Without a change of the address, which on some pages holds the reader's choice.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("content").focus();
});

// What would be dead without scripts is hidden until one runs.
for (const one of document.querySelectorAll(".scripted")) one.hidden = false;

// Every cell can be copied.
function copyButton(name) {
  const button = document.createElement("button");
  Object.assign(button, { className: "copy", type: "button", textContent: "Copy" });
  button.setAttribute("aria-label", `Copy: ${name}`);
  return button;
}

for (const code of document.querySelectorAll(".code:not(.sample *)")) {
  const near = (part) => code.closest(part)?.querySelector(".who, h1, h2, h3")?.textContent.trim();
  code.prepend(copyButton([...new Set([near("article"), near("section")])].filter(Boolean).join(", ")));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // no permission, or a browser that gives files no clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await copy(button.parentElement.querySelector("code").textContent.replace(/\n$/, ""));
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const text = (row, column) => row.cells[column].textContent.trim();
  const number = (row, column) => parseFloat(text(row, column).replace(/,(?=\d{3})/g, ""));
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const rows = [...body.rows];
      const numeric = rows.some((row) => !isNaN(number(row, column)) && /^[-\d]/.test(text(row, column)));
      const sign = descending ? -1 : 1;
      rows.sort((a, b) => {
        if (!numeric) return sign * text(a, column).localeCompare(text(b, column), undefined, { numeric: true });
        const [one, other] = [number(a, column), number(b, column)];
        if (isNaN(one) || isNaN(other)) return isNaN(one) - isNaN(other); // these last
        return sign * (one - other);
      });
      body.append(...rows);
    });
  });
}

document.querySelectorAll("table.sortable, .document table").forEach(sortable);
