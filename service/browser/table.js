// All photos as rows, their visits, and the sums of each class.

import { make, paint, part, words } from "./dom.js";

export class Table {
  /** `chosen` is called with the photo whose row was clicked. */
  constructor(page, chosen) {
    this.head = part(page, "head");
    this.rows = part(page, "rows");
    this.totals = part(page, "totals");
    this.sightings = part(page, "sightings");
    this.sightingWords = part(page, "sighting-words");
    this.visitHead = part(page, "visit-head");
    this.visitRows = part(page, "visit-rows");
    this.visitsDownload = part(page, "visits-download");
    this.chosen = chosen;
  }

  /** Show a row for each photo; `visitOf` has the number of the visit by photo. */
  show(photos, visitOf = {}) {
    const rows = [...photos.values()].map(({ row }) => row);
    const classes = new Set(rows.flatMap((row) => Object.keys(row.classes)));
    const columns = [["Count", (row) => row.count]];
    if (classes.size > 1) {
      for (const label of classes) columns.push([words(label), (row) => row.classes[label] ?? ""]);
    }
    if (rows.some(({ likely }) => likely)) columns.push(["Likely", (row) => row.likely]);
    if (rows.some(({ time }) => time)) {
      columns.push(["Taken", ({ time }) => time], ["Visit", ({ photo }) => visitOf[photo] ?? ""]);
    }
    if (rows.some(({ camera }) => camera)) columns.push(["Camera", ({ camera }) => camera]);
    if (rows.some(({ remark }) => remark)) columns.push(["Remark", (row) => row.remark]);
    fillHead(this.head, ["Photo", ...columns.map(([name]) => name)]);
    this.rows.replaceChildren(...rows.map((row) =>
      this.line(this.link(row.name, row.photo), columns.map(([, cell]) => cell(row)))));
  }

  line(first, cells) {
    const head = make("th", { attributes: { scope: "row" } }, first);
    return make("tr", {}, head, ...cells.map((textContent) => make("td", { textContent })));
  }

  link(name, photo) {
    const link = make("button", { type: "button", className: "link", textContent: name });
    link.addEventListener("click", () => this.chosen(photo));
    return link;
  }

  /** The most seen at once in each visit; hidden where no photo has a time. */
  showSightings({ visits, undated, notes }, photos) {
    this.sightings.hidden = this.visitsDownload.hidden = !visits.length;
    if (!visits.length) return;
    const labels = Object.keys(visits[0].most);
    const most = labels.map((label, i) => (i ? words(label) : "Most at once"));
    fillHead(this.visitHead, ["Visit", "Camera", "From", "To", "Photos", ...most, "Shown by"]);
    this.visitRows.replaceChildren(...visits.map((visit) => {
      const { number, camera, begins, ends, photo } = visit;
      const cells = [camera, begins, ends, visit.photos, ...labels.map((label) => visit.most[label])];
      const line = this.line(String(number), cells);
      line.append(make("td", {}, this.link(photos.get(photo)?.row.name ?? "", photo)));
      return line;
    }));
    const without = undated ? [`${undated} photos without a time are in no visit.`] : [];
    this.sightingWords.textContent = [
      "The largest count of one photo in a visit: photos of one camera less than a minute apart.",
      ...without, ...notes.map((note) => `${note}.`),
    ].join(" ");
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

function fillHead(head, names) {
  head.replaceChildren(
    ...names.map((textContent) => make("th", { textContent, attributes: { scope: "col" } })),
  );
}
