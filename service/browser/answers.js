// What a visitor says about a count, and the files of what is on the screen.

import { ask, fileAddress } from "./events.js";
import { make, part } from "./dom.js";

/** The panels "Is this photo’s count right?" and "Download". */
export class Answers {
  /** `shown` returns the photo and the score that are on the screen. */
  constructor(page, limits, shown) {
    this.page = page;
    this.limits = limits;
    this.shown = shown;
    this.part("confirm").addEventListener("click", () => this.save(null));
    this.part("number-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save(this.part("number").valueAsNumber);
    });
    for (const button of page.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => this.download(button));
    }
    this.showConsent();
  }

  part(name) {
    return part(this.page, name);
  }

  showConsent() {
    const { keeps, keep_days: days } = this.limits;
    this.part("keep-label").hidden = !keeps;
    this.part("keep-words").textContent =
      "Keep this photo and its boxes here, to train the next model: the file as it is, with the " +
      `time and place that the camera wrote into it, ${days} days at most.`;
    this.part("promise").textContent = keeps
      ? "Your answer is logged with the count."
      : "Your answer is logged with the count. This service keeps no photos, so it cannot train " +
        "on this one: download the boxes instead.";
  }

  /** Ask about a photo; `pending`: its number is about to change. */
  show(row, pending) {
    const confirm = this.part("confirm");
    const unsaid = row.minimum ? `${row.number} or more: how many?` : "Yes, this is right";
    const known = row.number !== null && !row.minimum;
    confirm.textContent = known ? `Yes, ${row.number} is right` : unsaid;
    confirm.disabled = !known || pending;
    const number = this.part("number");
    const shown = `${row.photo} ${row.number}`; // what somebody types stays until that changes
    if (number.dataset.shown !== shown) {
      number.dataset.shown = shown;
      number.value = row.number ?? "";
    }
  }

  /** Another photo is shown: what was saved of the one before says nothing of it. */
  forget() {
    this.part("saved").textContent = "";
  }

  async save(trueCount) {
    const saved = this.part("saved");
    if (trueCount !== null && !Number.isInteger(trueCount)) {
      saved.textContent = "Nothing was saved. Please enter a whole number.";
      return;
    }
    const request = {
      ...this.shown(),
      true_count: trueCount,
      keep: this.limits.keeps && this.part("keep").checked,
    };
    try {
      saved.textContent = (await ask("save", request)).message;
    } catch (error) {
      saved.textContent = `Nothing was saved. ${error.message}`;
    }
  }

  async download(button) {
    const told = this.part("downloaded");
    button.disabled = true;
    told.textContent = "Being made …";
    try {
      const request = {
        what: button.dataset.download,
        scores: this.part("scores").checked,
        min_score: this.shown().min_score,
      };
      const { name, path } = await ask("download", request);
      const link = make("a", { href: fileAddress(path), download: name, textContent: name });
      told.replaceChildren("Made: ", link);
      link.click();
    } catch (error) {
      told.textContent = error.message;
    }
    button.disabled = false;
  }
}
