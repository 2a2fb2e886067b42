// All photos as rows, and the sums of each class.

import { make, paint, part, words } from "./dom.js";

export class Table {
  /** `chosen` is called with the photo whose row was clicked. */
  constructor(page, chosen) {
    this.head = part(page, "head");
    this.rows = part(page, "rows");
    this.totals = part(page, "totals");
    this.chosen = chosen;
  }

  /** Show a row for each photo. */
  show(photos) {
    const classes = new Set([...photos.values()].flatMap(({ row }) => Object.keys(row.classes)));
    const named = classes.size > 1 ? [...classes] : [];
    const columns = ["Photo", "Count", ...named.map(words), "Likely", "Remark"];
    this.head.replaceChildren(
      ...columns.map((name) => make("th", { textContent: name, attributes: { scope: "col" } })),
    );
    this.rows.replaceChildren(...[...photos.values()].map(({ row }) => this.row(row, named)));
  }

  row(row, named) {
    const link = make("button", { type: "button", className: "link", textContent: row.name });
    link.addEventListener("click", () => this.chosen(row.photo));
    const name = make("th", { attributes: { scope: "row" } }, link);
    const cells = [row.count, ...named.map((label) => row.classes[label] ?? ""), row.likely, row.remark];
    return make("tr", {}, name, ...cells.map((textContent) => make("td", { textContent })));
  }

  showTotals(totals, color) {
    this.totals.replaceChildren(
      ...totals.map(({ label, words: text }) => {
        const item = make("li", { textContent: text });
        paint(item, color(label));
        return item;
      }),
    );
  }
}
