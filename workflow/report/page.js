"use strict";

// Without scripts the page shows everything; with them its tables sort and the ledger filters.

const form = document.querySelector("form");
const status = document.getElementById("shown");
const values = document.getElementById("values");
const rows = [...values.tBodies[0].rows];
const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
const choices = [...document.querySelectorAll("#summary td")].map(makeButton);

function makeButton(cell) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = cell.textContent;
  const figure = cell.dataset.figure.replace("fig", "Figure ") || "All figures";
  button.setAttribute("aria-label", `${figure}, ${cell.dataset.verdict || "all"}: ${cell.textContent} rows`);
  button.dataset.figure = cell.dataset.figure;
  button.dataset.verdict = cell.dataset.verdict;
  if (cell.textContent !== "0") cell.replaceChildren(button);
  return button;
}

function filter() {
  const words = form.words.value.toLowerCase().split(/\s+/);
  const wanted = ["figure", "quantity", "verdict"].map((name) => [name, form[name].value]);
  for (const row of rows) {
    row.hidden = !(
      wanted.every(([name, value]) => !value || row.dataset[name] === value) &&
      words.every((word) => texts.get(row).includes(word))
    );
  }
  values.classList.toggle("all", form.more.checked);
  const left = rows.filter((row) => !row.hidden).length;
  status.textContent = `${left} of ${rows.length} rows shown.`;
  for (const button of choices) {
    const chosen =
      button.dataset.figure === form.figure.value && button.dataset.verdict === form.verdict.value;
    button.setAttribute("aria-pressed", chosen);
  }
}

function choose(button) {
  form.figure.value = button.dataset.figure;
  form.quantity.value = "";
  form.verdict.value = button.dataset.verdict;
  form.words.value = "";
  filter();
}

function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value === undefined) return cell.textContent.trim();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

// What has no value comes last, whichever way the rest is sorted.
function compare(one, other) {
  if (typeof one === "string") return one.localeCompare(other, "en", { numeric: true });
  return one < other ? -1 : Number(one > other);
}

function sort(table, column, descending) {
  const keyed = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
  keyed.sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return descending ? compare(other, one) : compare(one, other);
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  const head = table.tHead.rows[0].cells[column];
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("#values, #claims-table, #times-table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () =>
      sort(table, column, head.getAttribute("aria-sort") === "ascending"),
    );
    head.append(button);
  });
}

for (const button of choices) button.addEventListener("click", () => choose(button));
for (const button of document.querySelectorAll("figure button")) {
  button.addEventListener("click", () => {
    choose(button);
    values.parentElement.scrollIntoView();
    values.parentElement.focus({ preventScroll: true });
  });
}
for (const part of document.querySelectorAll(".script")) part.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
filter();
