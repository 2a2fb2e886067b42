// What a visitor sees of photos on their way: where to add them, the bar, and what failed.

import { ask, fileAddress } from "./events.js";
import { make, part } from "./dom.js";

const MAX_LISTED = 20; // failed photos by name; the others are a number

/** The upper part of the page. */
export class IntakeView {
  constructor(page, intake, trouble) {
    this.page = page;
    this.intake = intake;
    this.trouble = trouble;
    const { limits } = intake;
    const files = part(page, "files");
    files.accept = ["image/*", ...limits.suffixes].join(",");
    const directory = part(page, "directory");
    for (const input of [files, directory]) {
      input.addEventListener("change", () => {
        intake.addFiles(input === directory ? byName(input.files) : input.files);
        input.value = "";
      });
    }
    this.listenToDrops(page.querySelector(".drop"));
    part(page, "stop").addEventListener("click", () => intake.stop());
    part(page, "again").addEventListener("click", () => intake.again());
    part(page, "dismiss").addEventListener("click", () => intake.forgetFailed());
    this.showExamples(limits.examples);
    if (limits.folder) this.offerFolder(limits.folder);
    this.offerTiles(limits.tiles);
  }

  listenToDrops(zone) {
    const over = (event) => {
      event.preventDefault();
      zone.classList.toggle("over", event.type === "dragover");
    };
    zone.addEventListener("dragover", over);
    zone.addEventListener("dragleave", over);
    zone.addEventListener("drop", async (event) => {
      over(event);
      this.intake.addFiles(byName(await droppedFiles(event.dataTransfer)));
    });
  }

  showExamples(examples) {
    part(this.page, "example-list").replaceChildren(
      ...examples.map(({ name, path }, i) => {
        const image = make("img", { src: fileAddress(path), alt: name });
        const button = make("button", { type: "button" }, image);
        button.addEventListener("click", () => this.intake.addExamples([[name, i]]));
        return button;
      }),
    );
  }

  /** Close the examples once there are photos; a visitor may open them again. */
  foldExamples(any) {
    if (any !== this.folded) part(this.page, "examples").open = !any;
    this.folded = any;
  }

  offerFolder(root) {
    const form = part(this.page, "local-form");
    part(this.page, "local").hidden = false;
    part(this.page, "root").textContent = root;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      this.trouble(null);
      try {
        const { photos, skipped } = await ask("folder", { folder: part(this.page, "folder").value.trim() });
        this.intake.addLocal(photos);
        const others = Object.entries(skipped).map(([kind, n]) => `${n} × ${kind}`);
        if (others.length) this.trouble(new Error(`Not counted: ${others.join("; ")}.`));
      } catch (error) {
        this.trouble(error);
      }
    });
  }

  offerTiles({ offered, on }) {
    part(this.page, "small-label").hidden = !offered;
    part(this.page, "small").checked = offered && on;
  }

  show() {
    const { intake, page } = this;
    const { jobs, done, failed } = intake;
    part(page, "progress").hidden = !intake.busy;
    const bar = part(page, "bar");
    bar.max = Math.max(1, jobs.length);
    bar.value = intake.progress;
    const told = `Counted ${done} of ${jobs.length} photos`;
    const place = part(page, "progress-words");
    if (place.textContent !== told) place.textContent = told;
    this.showFailed(failed);
  }

  showFailed(failed) {
    part(this.page, "failed").hidden = !failed.length;
    if (failed.length === this.listed) return;
    this.listed = failed.length;
    part(this.page, "failed-words").textContent =
      failed.length === 1 ? "1 photo was not counted." : `${failed.length} photos were not counted.`;
    const items = failed.slice(0, MAX_LISTED).map(({ name, why }) => `${name}: ${why}`);
    if (failed.length > MAX_LISTED) items.push(`and ${failed.length - MAX_LISTED} more`);
    part(this.page, "failed-list").replaceChildren(
      ...items.map((textContent) => make("li", { textContent })),
    );
  }
}

/** In the order of their folders and names, which a browser does not keep: 2 before 10. */
function byName(files) {
  const name = (file) => file.webkitRelativePath || file.name;
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...files].sort((a, b) => order.compare(name(a), name(b)));
}

/** Files of a drop, those in folders too. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return transfer.files;
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map(filesOf))).flat());
  }
}
