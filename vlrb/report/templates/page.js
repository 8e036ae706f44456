"use strict";
// Sort each section of the leaderboard by a column; empty cells last.
document.querySelectorAll("table.sortable").forEach((table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) =>
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && column > 0;
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = column ? x - y : x.localeCompare(y);
        return down ? -order : order;
      };
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("section"));
        body.append(...rows.sort(compare));
      }
    })
  );
});

// A region that scrolls sideways can be scrolled with the keyboard.
const markScrollable = () =>
  document.querySelectorAll(".scroll").forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
addEventListener("resize", markScrollable);
markScrollable();

// Light or dark: what the system prefers until the reader says otherwise.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("vlrb-theme");
    } catch {
      return null; // storage may be forbidden for local files
    }
  };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefers.matches);
  const show = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
  };
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("vlrb-theme", root.dataset.theme);
    } catch {
      // not remembered then
    }
    show();
  });
  prefers.addEventListener("change", show);
  button.hidden = false;
  show();
})();

// Make an element: attributes, then children (text is always text).
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const read = (key) => JSON.parse(document.getElementById(`${key}-data`).textContent);
const dollars = (value) =>
  value === null ? "–" : value <= 0 ? "$0" : `$${value.toLocaleString("en-US", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })}`;
